import type { Readable } from 'node:stream'

/** Codes that a start-up packet may have instead of a protocol version. */
export const requestCodes = { cancel: 80_877_102, ssl: 80_877_103, gssEncryption: 80_877_104 } as const

/** PostgreSQL's own limit for a start-up packet. A longer one does not come from a PostgreSQL client. */
const maxStartupLength = 10_000
const maxMessageLength = 1 << 20

/** The first packet of a connection, which has no type byte. */
export interface StartupPacket {
  /** Protocol version, or one of the {@link requestCodes}. */
  readonly code: number
  /** The whole packet. */
  readonly bytes: Buffer
}

/** A message with a type byte. */
export interface Message {
  readonly type: string
  readonly body: Buffer
  /** The whole packet. */
  readonly bytes: Buffer
}

/** Reads this many bytes and leaves the rest in the stream, which is piped later. Undefined: the stream ended before. */
function readBytes(stream: Readable, size: number): Promise<Buffer | undefined> {
  // Usually they have arrived already, and listeners would cost more than the read.
  const available: Buffer | null = stream.read(size)
  if (available?.length === size) return Promise.resolve(available)
  if (available || stream.readableEnded || stream.destroyed) return Promise.resolve(undefined)
  return new Promise(resolve => {
    const settle = (bytes: Buffer | undefined) => {
      stream.off('readable', attempt).off('end', end).off('close', end).off('error', end)
      resolve(bytes)
    }
    const attempt = () => {
      const bytes: Buffer | null = stream.read(size)
      // A stream that has ended returns what it has, even if that is less.
      if (bytes !== null) settle(bytes.length === size ? bytes : undefined)
    }
    const end = () => settle(undefined)
    stream.on('readable', attempt).on('end', end).on('close', end).on('error', end)
  })
}

/** The next start-up packet; undefined when the stream ended, or does not speak the protocol (such as direct TLS). */
export async function readStartup(stream: Readable): Promise<StartupPacket | undefined> {
  const head = await readBytes(stream, 8)
  if (!head) return undefined
  const length = head.readUInt32BE(0)
  if (length < 8 || length > maxStartupLength) return undefined
  if (length === 8) return { code: head.readUInt32BE(4), bytes: head }
  const rest = await readBytes(stream, length - 8)
  return rest && { code: head.readUInt32BE(4), bytes: Buffer.concat([head, rest]) }
}

/** The next message; undefined when the stream ended, or the length is out of bounds. */
export async function readMessage(stream: Readable): Promise<Message | undefined> {
  const head = await readBytes(stream, 5)
  if (!head) return undefined
  const length = head.readUInt32BE(1)
  if (length < 4 || length > maxMessageLength) return undefined
  const body = length === 4 ? Buffer.alloc(0) : await readBytes(stream, length - 4)
  return body && { type: String.fromCharCode(head[0] ?? 0), body, bytes: Buffer.concat([head, body]) }
}

/** The parameters of a start-up packet, in their order. */
export function startupParameters(packet: StartupPacket): Map<string, string> {
  const words = packet.bytes.toString('utf8', 8).split('\0')
  const parameters = new Map<string, string>()
  for (let i = 0; i + 1 < words.length; i += 2) {
    const name = words[i]
    if (!name) break
    parameters.set(name, words[i + 1] ?? '')
  }
  return parameters
}

export function startupPacket(code: number, parameters: ReadonlyMap<string, string>): Buffer {
  const words = [...parameters].flat()
  const body = Buffer.from(`${words.map(word => `${word}\0`).join('')}\0`)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + body.length, 0)
  head.writeUInt32BE(code, 4)
  return Buffer.concat([head, body])
}

export function message(type: string, ...parts: (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(part) : part)))
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeUInt32BE(4 + body.length, 1)
  return Buffer.concat([head, body])
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** An ErrorResponse with the fields that Redshift sends. */
export function errorResponse(severity: 'FATAL' | 'ERROR', sqlstate: string, text: string): Buffer {
  return message('E', `S${severity}\0C${sqlstate}\0M${text}\0\0`)
}

/** The fields of an ErrorResponse by their letter: `C` is the SQLSTATE, `M` the message. */
export function errorFields(body: Buffer): Map<string, string> {
  const fields = body.toString('utf8').split('\0')
  return new Map(fields.filter(field => field !== '').map(field => [field.slice(0, 1), field.slice(1)]))
}

/** The password in a PasswordMessage. */
export function passwordOf(body: Buffer): string {
  const end = body.indexOf(0)
  return body.toString('utf8', 0, end < 0 ? body.length : end)
}
