/**
 * Server-sent events, read as they arrive: text in, whole messages out.
 *
 * After the HTML standard, "9.2.6 Interpreting an event stream" (https://html.spec.whatwg.org/): lines end in LF, CR or
 * CRLF, several `data:` lines make one text, a line that begins with a colon is a comment.
 */

/** One message. `id` null: it carries none itself. */
export interface SseMessage {
  event: string;
  data: string;
  id: string | null;
}

const LINE_CHARACTERS_MAX = 64 << 20;

/** Cuts a stream of text into messages, however the text is chopped. */
export class SseParser {
  #rest = "";
  #event = "message";
  #data: string[] = [];
  #id: string | null = null;

  /**
   * Return the messages that `chunk` completes, in order; an incomplete one waits for more.
   *
   * Throws a `RangeError` when one line has more than 64 Mi characters: this is no stream of ours.
   */
  feed(chunk: string): SseMessage[] {
    const text = this.#rest + chunk;
    // A CR at the very end may be the first half of a CRLF: it waits with its line.
    const held = text.endsWith("\r") ? 1 : 0;
    const lines = text.slice(0, text.length - held).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() + text.slice(text.length - held);
    if (this.#rest.length > LINE_CHARACTERS_MAX) {
      throw new RangeError(`a line of more than ${LINE_CHARACTERS_MAX} characters`);
    }
    const messages: SseMessage[] = [];
    for (const line of lines) {
      if (line !== "") {
        this.#field(line);
        continue;
      }
      if (this.#data.length > 0) {
        messages.push({ event: this.#event, data: this.#data.join("\n"), id: this.#id });
      }
      [this.#event, this.#data, this.#id] = ["message", [], null];
    }
    return messages;
  }

  #field(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line.startsWith(" ", colon + 1) ? colon + 2 : colon + 1);
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#event = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
  }
}
