import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { answerAuthentication, type Proof } from './authentication.js'

/*
 * pg does not support Redshift's own authentication: its parser throws inside a socket handler, which ends the process. So the server's
 * messages are read here until the login is complete, and those that pg supports are passed on to it.
 */

/** The members used of pg's connection. */
interface Connection extends EventEmitter {
  readonly stream: Duplex
  attachListeners?(stream: Duplex): void
}

type Listener = (bytes: Buffer) => void

const HEADER = 5
// Messages of a login are much shorter. Without a limit, a server that speaks another protocol could make us wait for more bytes forever.
const LONGEST = 1 << 20

/**
 * Reads the socket in place of pg until the server sends AuthenticationOk, then restores pg's own listener.
 * @returns a function to call with the login's proof when the start-up packet is sent
 */
export function interceptAuthentication(connection: Connection): (proof: Proof) => void {
  let proof: Proof | undefined
  const attach = connection.attachListeners?.bind(connection)
  if (attach)
    connection.attachListeners = stream => {
      const before = new Set(stream.listeners('data'))
      attach(stream)
      const [listener, ...others] = stream.listeners('data').filter(added => !before.has(added)) as Listener[]
      // An unknown version of pg: let it read the socket itself.
      if (!listener || others.length > 0) return
      stream.off('data', listener)
      const read = messageReader()
      const intercept = (bytes: Buffer): void => {
        for (const { type, body, message, rest } of read(bytes)) {
          const verdict = answerAuthentication(type, body, proof)
          // A refused client may stay in memory for long, so drop the secret.
          if (type === 'E') proof = undefined
          // No `try` here: an exception in a user's callback must not be swallowed.
          if (verdict === 'pass') listener(message)
          else if (Buffer.isBuffer(verdict)) stream.write(verdict)
          else {
            proof = undefined
            stream.off('data', intercept)
            // After an error, pg must not read any further.
            if (verdict !== 'done') return void connection.emit('error', verdict)
            stream.on('data', listener)
            listener(Buffer.concat([message, rest]))
            return
          }
        }
      }
      stream.on('data', intercept)
    }
  return given => {
    proof = given
  }
}

interface Message {
  /** Empty if the bytes are not a message. */
  readonly type: string
  readonly body: Buffer
  /** The whole message, unchanged. */
  readonly message: Buffer
  /** The bytes received after it. */
  readonly rest: Buffer
}

/** Splits a stream of bytes into messages. */
function messageReader(): (bytes: Buffer) => Generator<Message> {
  let pending: Buffer = Buffer.alloc(0)
  return function* read(bytes) {
    pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes])
    while (pending.length >= HEADER) {
      const length = pending.readUInt32BE(1)
      const isMessage = length >= 4 && length <= LONGEST
      if (isMessage && pending.length < 1 + length) return
      const message = pending.subarray(0, isMessage ? 1 + length : pending.length)
      pending = pending.subarray(message.length)
      const type = isMessage ? String.fromCharCode(message[0] ?? 0) : ''
      yield { type, body: message.subarray(HEADER), message, rest: pending }
    }
  }
}
