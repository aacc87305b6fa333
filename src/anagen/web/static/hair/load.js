import { mannequin } from "./head.js";
import { opened, unpacked } from "./unpack.js";

/**
 * Unpack in a worker; here where there is none, as in some notebooks.
 * @param {string | ArrayBuffer | ArrayBufferView} data
 * @returns {Promise<{hairs: import("./unpack.js").Hairs, mesh: import("./head.js").Mesh}>}
 */
export async function loaded(data) {
  let worker;
  try {
    worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    return await new Promise((resolve, reject) => {
      worker.onerror = () => reject(new Error("no worker"));
      worker.onmessage = ({ data: answer }) => resolve(answer);
      worker.postMessage(data);
    }).then((answer) => {
      if (answer.problem) throw new Error(answer.problem);
      return answer;
    });
  } catch {
    const hairs = unpacked(await opened(data));
    return { hairs, mesh: mannequin(hairs.head) };
  } finally {
    worker?.terminate();
  }
}
