/** Unpacks a hair view and builds the mannequin away from the page. */
import { mannequin } from "./head.js";
import { opened, unpacked } from "./unpack.js";

self.onmessage = async (event) => {
  try {
    const hairs = unpacked(await opened(event.data));
    const mesh = mannequin(hairs.head);
    self.postMessage({ hairs, mesh }, [
      hairs.strands.buffer, hairs.states.buffer, mesh.points.buffer, mesh.triangles.buffer,
    ]);
  } catch (error) {
    self.postMessage({ problem: String(error) });
  }
};
