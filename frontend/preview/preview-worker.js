// The engine's worker: loads the module, then answers one text message after the other, in order.
import init, { handle } from './preview.js';

const loading = init();

self.onmessage = async ({ data }) => {
  try {
    await loading;
    self.postMessage(handle(data));
  } catch (error) {
    // A trap leaves the module's memory as it was when it happened: the page starts another worker.
    self.postMessage(`crash:${error && error.message ? error.message : error}`);
  }
};
