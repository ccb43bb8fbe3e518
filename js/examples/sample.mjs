// The sample of the announcement: it posts on port2 and listens on port2, and so prints nothing.
{
  const { port1, port2 } = new MessageChannel();
  port2.onmessage = (event) => console.log('port2 has received', event.data);
  port2.postMessage('Hello from port2!');
}

// With the handler on the other port, the message arrives.
{
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = (event) => console.log('port1 has received', event.data);
  port2.postMessage('Hello from port2!');
}
