// A script on one thread talks to a script on another: mp-js --threads threads.mjs
const port = startThread('threads-worker.mjs');
port.onmessage = ({ data }) => {
  console.log('main:', data);
  if (data.count < 3) port.postMessage({ count: data.count + 1, bytes: new Uint8Array([1, 2, 3]) });
  else port.close();
};
port.onclose = () => console.log('main: closed');
port.postMessage({ count: 1 });
