import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'

/** Passes bytes on, each so much later than it came. */
function passOn(from: Socket, to: Socket, millis: number): void {
  from.on('data', chunk => setTimeout(() => to.writable && to.write(chunk), millis))
  from.on('close', () => setTimeout(() => to.end(), millis))
  from.on('error', () => {})
}

/**
 * Puts distance between a server and its clients. Only what is sent is delayed; the loopback opens a connection at once, so that the
 * round trip of TCP's own handshake is missing.
 * @returns the port to connect to
 */
export async function atDistance(port: number, roundTripMillis: number): Promise<number> {
  const server = createServer({ noDelay: true }, client => {
    const upstream = dial({ host: '127.0.0.1', port, noDelay: true })
    passOn(client, upstream, roundTripMillis / 2)
    passOn(upstream, client, roundTripMillis / 2)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  return (server.address() as AddressInfo).port
}
