// @ts-check
/** What was written in a comment, to begin a change with. Owns the asking; promises to ask until the server is there. */
import { ask, Problem } from "../api.js";
import { keepTrying } from "../keep-trying.js";

/**
 * @param {import("../thread.js").Thread} thread @param {number} id @param {string | null} token  of whoever may change it
 * @returns {Promise<string>}
 * @throws {Problem} the server will not say
 */
export async function sourceOf(thread, id, token) {
  const read = () => ask(thread, `/api/comments/${id}/source`, { token }).catch((error) => {
    if (error instanceof Problem) return error; // it will not change its mind
    throw error;
  });
  const answer = await keepTrying(read, thread.signal, () => thread.connection.recheck());
  if (answer instanceof Problem) throw answer;
  return answer.source ?? answer.text ?? "";
}
