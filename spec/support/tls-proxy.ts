import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext, TLSSocket } from 'node:tls'

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/** A proxy that terminates PostgreSQL's TLS with its own certificate, and opens TLS to the server. */
export interface TlsProxy {
  readonly port: number
  /** The names that clients have requested (SNI). */
  readonly names: (string | false | null)[]
  /** Where to split the server's data, in bytes from its start; `every` sends byte by byte. Each piece is a TLS record. */
  cutAt: number | 'every' | undefined
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
    sealed.pipe(onwards)
    let sent = 0
    onwards.on('data', (bytes: Buffer) => {
      for (const piece of pieces(bytes, proxy.cutAt, sent)) sealed.write(piece)
      sent += bytes.length
    })
    onwards.once('end', () => sealed.end())
    sealed.once('close', () => onwards.destroy())
  }
  const listener = createServer(client => {
    sockets.add(client)
    client.on('error', () => client.destroy())
    relay(client).catch(() => client.destroy())
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  const proxy: TlsProxy = {
    port: typeof address === 'object' && address ? address.port : 0,
    names,
    cutAt: undefined,
    close() {
      listener.close()
      for (const socket of sockets) socket.destroy()
    },
  }
  return proxy
}

function pieces(bytes: Buffer, cutAt: TlsProxy['cutAt'], sent: number): Buffer[] {
  if (cutAt === 'every') return Array.from(bytes, byte => Buffer.of(byte))
  const at = (cutAt ?? 0) - sent
  return at > 0 && at < bytes.length ? [bytes.subarray(0, at), bytes.subarray(at)] : [bytes]
}
