import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'

/** Forwards bytes with this delay. */
function forward(from: Socket, to: Socket, millis: number): void {
  from.on('data', chunk => setTimeout(() => to.writable && to.write(chunk), millis))
  from.on('close', () => setTimeout(() => to.end(), millis))
  from.on('error', () => {})
}

/**
 * Simulates distance between a server and its clients. It delays data only. TCP's own handshake is local, so its round trip is missing.
 * @returns the port to connect to
 */
export async function atDistance(port: number, roundTripMillis: number): Promise<number> {
  const server = createServer({ noDelay: true }, client => {
    const upstream = dial({ host: '127.0.0.1', port, noDelay: true })
    forward(client, upstream, roundTripMillis / 2)
    forward(upstream, client, roundTripMillis / 2)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  return (server.address() as AddressInfo).port
}
