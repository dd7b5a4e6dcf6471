import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { handleAuthentication, type Secret } from './authentication.js'

/*
 * pg does not support Redshift's own authentication. Its parser throws inside a socket handler, which ends the process. Therefore the
 * server's messages are read here until the login is complete. Those that pg supports are passed on to it.
 */

/** The members of pg's connection that are used here. */
interface Connection extends EventEmitter {
  readonly stream: Duplex
  attachListeners?(stream: Duplex): void
}

type Listener = (bytes: Buffer) => void

const HEADER_BYTES = 5
// Messages of a login are much shorter. Without a limit, a server with another protocol could make the client wait for more bytes forever.
const MAX_MESSAGE_BYTES = 1 << 20

/**
 * Reads the socket instead of pg until the server sends AuthenticationOk, then restores pg's own listener.
 * @returns a function that sets the secret of the login. Call it when the start-up packet is sent.
 */
export function interceptAuthentication(connection: Connection): (secret: Secret) => void {
  let secret: Secret | undefined
  const attach = connection.attachListeners?.bind(connection)
  if (attach)
    connection.attachListeners = stream => {
      const before = new Set(stream.listeners('data'))
      attach(stream)
      const [listener, ...others] = stream.listeners('data').filter(added => !before.has(added)) as Listener[]
      // Let an unknown version of pg read the socket itself.
      if (!listener || others.length > 0) return
      stream.off('data', listener)
      const read = messageReader()
      const intercept = (bytes: Buffer): void => {
        for (const { type, body, message, rest } of read(bytes)) {
          const action = handleAuthentication(type, body, secret)
          // Drop the secret, because a refused client may stay in memory for long.
          if (type === 'E') secret = undefined
          // No `try` here, because an exception in a user's callback must not be swallowed.
          if (action === 'pass') listener(message)
          else if (Buffer.isBuffer(action)) stream.write(action)
          else {
            secret = undefined
            stream.off('data', intercept)
            // pg must not read any further after an error.
            if (action !== 'done') return void connection.emit('error', action)
            stream.on('data', listener)
            listener(Buffer.concat([message, rest]))
            return
          }
        }
      }
      stream.on('data', intercept)
    }
  return loginSecret => {
    secret = loginSecret
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

/** Returns a function that splits the received bytes into messages. */
function messageReader(): (bytes: Buffer) => Generator<Message> {
  let pending: Buffer = Buffer.alloc(0)
  return function* read(bytes) {
    pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes])
    while (pending.length >= HEADER_BYTES) {
      const length = pending.readUInt32BE(1)
      const isMessage = length >= 4 && length <= MAX_MESSAGE_BYTES
      if (isMessage && pending.length < 1 + length) return
      const message = pending.subarray(0, isMessage ? 1 + length : pending.length)
      pending = pending.subarray(message.length)
      const type = isMessage ? String.fromCharCode(message[0] ?? 0) : ''
      yield { type, body: message.subarray(HEADER_BYTES), message, rest: pending }
    }
  }
}
