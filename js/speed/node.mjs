// node node.mjs SCALE
import { Worker, isMainThread, workerData } from 'node:worker_threads';
import { measure, serve } from './rows.mjs';
if (isMainThread) {
  const { port1, port2 } = new MessageChannel();
  serve(port2);
  const channel = new MessageChannel();
  new Worker(new URL(import.meta.url), { workerData: channel.port2, transferList: [channel.port2] });
  await measure(port1, channel.port1, Number(process.argv[2] ?? 1), console.log);
  port1.close();
  channel.port1.close();
} else {
  serve(workerData);
}
