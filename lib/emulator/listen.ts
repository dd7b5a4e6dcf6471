import { once } from 'node:events'
import type { Server } from 'node:net'

/** Listens without keeping the process alive. Resolves with the port, which is a free one if `port` is 0. */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  // The backlog allows a thousand clients to connect at once.
  server.listen({ host, port, backlog: 4096 })
  await once(server, 'listening')
  server.unref()
  const address = server.address()
  return typeof address === 'object' && address ? address.port : port
}
