import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext, TLSSocket } from 'node:tls'

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/** A proxy that opens PostgreSQL's TLS with a certificate of its own, and seals it again towards the server. */
export interface TlsProxy {
  readonly port: number
  /** The names that clients have asked for (SNI). */
  readonly names: (string | false | null)[]
  close(): void
}

export async function startTlsProxy(
  context: SecureContext,
  server: { port: number; servername: string; ca: string },
): Promise<TlsProxy> {
  const names: TlsProxy['names'] = []
  const sockets = new Set<Socket>()
  const relay = async (client: Socket): Promise<void> => {
    await once(client, 'data')
    client.write('S')
    const sealed = new TLSSocket(client, { isServer: true, secureContext: context })
    sealed.on('error', () => client.destroy())
    await once(sealed, 'secure')
    names.push(sealed.servername)
    const raw = connect(server.port, '127.0.0.1')
    sockets.add(raw)
    raw.write(SSL_REQUEST)
    await once(raw, 'data')
    const onwards = connectTls({ socket: raw, servername: server.servername, ca: server.ca })
    onwards.on('error', () => sealed.destroy())
    sealed.pipe(onwards).pipe(sealed)
    sealed.once('close', () => onwards.destroy())
  }
  const listener = createServer(client => {
    sockets.add(client)
    client.on('error', () => client.destroy())
    relay(client).catch(() => client.destroy())
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    names,
    close() {
      listener.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
