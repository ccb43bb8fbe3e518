// mp-js --threads mp-js.mjs SCALE
import { measure, serve } from './rows.mjs';
const { port1, port2 } = new MessageChannel();
serve(port2);
const elsewhere = startThread('mp-js-peer.mjs');
await measure(port1, elsewhere, Number(scriptArgs[1] ?? 1));
elsewhere.close();
port1.close();
