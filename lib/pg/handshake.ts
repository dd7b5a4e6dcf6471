import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { judge, type Proof } from './authentication.js'

/*
 * pg does not know Redshift's own authentication: its parser throws inside a socket handler, which ends the process. Until the
 * login is through, the messages of the server are read here, and all that pg knows is passed on to it.
 */

/** What is used of pg's connection. */
interface Connection extends EventEmitter {
  readonly stream: Duplex
  attachListeners?(stream: Duplex): void
}

type Listener = (bytes: Buffer) => void

const HEADER = 5
// No message of a login comes near it. What does not speak the protocol would have us wait for more.
const LONGEST = 1 << 20

/**
 * Stands between pg and its socket until the server says AuthenticationOk; then pg's own listener is back in its place.
 * @returns what to call with the login's proof when the start-up packet goes out
 */
export function interceptAuthentication(connection: Connection): (proof: Proof) => void {
  let proof: Proof | undefined
  const attach = connection.attachListeners?.bind(connection)
  if (attach)
    connection.attachListeners = stream => {
      const before = new Set(stream.listeners('data'))
      attach(stream)
      const [listener, ...others] = stream.listeners('data').filter(added => !before.has(added)) as Listener[]
      // Another pg than those that are known: it reads for itself.
      if (!listener || others.length > 0) return
      stream.off('data', listener)
      const read = messageReader()
      const intercept = (bytes: Buffer): void => {
        for (const { type, body, message, rest } of read(bytes)) {
          const verdict = judge(type, body, proof)
          // A refused client may be kept for long.
          if (type === 'E') proof = undefined
          // Nothing here is in a `try`: an exception of a user's callback must not vanish.
          if (verdict === 'pass') listener(message)
          else if (Buffer.isBuffer(verdict)) stream.write(verdict)
          else {
            proof = undefined
            stream.off('data', intercept)
            // After an error, pg has nothing to read any more.
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
  /** Empty where the bytes are no message. */
  readonly type: string
  readonly body: Buffer
  /** All of it, as it came. */
  readonly message: Buffer
  /** What has come behind it. */
  readonly rest: Buffer
}

/** Finds messages in whatever pieces they come in. */
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
