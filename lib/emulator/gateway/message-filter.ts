import { Transform, type TransformCallback } from 'node:stream'

const headerLength = 5

/** Passes protocol messages through `change`, which may return another message. */
export class MessageFilter extends Transform {
  readonly #change: (type: string, message: Buffer) => Buffer | undefined
  #chunks: Buffer[] = []
  #size = 0
  /** How many bytes the next message needs to be complete. */
  #needed = headerLength

  /** `change` receives the message with its header, and returns undefined to drop it. */
  constructor(change: (type: string, message: Buffer) => Buffer | undefined) {
    super()
    this.#change = change
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size >= this.#needed) this.push(this.#split(Buffer.concat(this.#chunks)))
    callback()
  }

  #split(bytes: Buffer): Buffer {
    const out: Buffer[] = []
    let from = 0
    for (;;) {
      const left = bytes.length - from
      this.#needed = left < headerLength ? headerLength : 1 + bytes.readUInt32BE(from + 1)
      if (left < this.#needed) break
      const message = bytes.subarray(from, from + this.#needed)
      const changed = this.#change(String.fromCharCode(message[0] ?? 0), message)
      if (changed) out.push(changed)
      from += this.#needed
    }
    this.#chunks = from < bytes.length ? [bytes.subarray(from)] : []
    this.#size = bytes.length - from
    return Buffer.concat(out)
  }
}
