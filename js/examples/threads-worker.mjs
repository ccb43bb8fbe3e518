// The other end of threads.mjs.
parentPort.onmessage = ({ data }) => {
  console.log('worker:', data);
  parentPort.postMessage({ count: data.count, doubled: data.count * 2 });
};
parentPort.onclose = () => console.log('worker: closed');
