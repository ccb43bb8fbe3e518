import { serve } from './rows.mjs';
serve(parentPort);
