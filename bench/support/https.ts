import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial } from 'node:net'
import { pipeline } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { certificateFor } from '../../lib/emulator/gateway/certificate.js'

/**
 * Adds TLS to the emulator's AWS endpoint, because AWS's endpoints have it. Loading the certificate authorities takes most of the time
 * of a process's first handshake.
 * @returns the endpoint and its certificate authority
 */
export async function overTls(endpoint: string): Promise<{ endpoint: string; ca: string }> {
  const { ca, context } = await certificateFor([])
  const { hostname, port } = new URL(endpoint)
  const server = createServer({ noDelay: true }, socket => {
    const client = new TLSSocket(socket, { isServer: true, secureContext: context })
    const upstream = dial({ host: hostname, port: Number(port), noDelay: true })
    pipeline(client, upstream, client, () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  return { endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, ca }
}
