import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'

/** A raw HTTP response, valid or not; `drop` closes the connection. */
export type RawResponse =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body: string | Buffer }
  | 'drop'

/** A plain HTTP server instead of AWS, for responses that the emulator never sends. */
export interface Endpoint {
  readonly url: string
  /** Responds to each request. Can be replaced at any time. */
  respond: (request: IncomingMessage, body: Buffer) => RawResponse | Promise<RawResponse>
  close(): Promise<void>
}

export async function startEndpoint(respond: Endpoint['respond']): Promise<Endpoint> {
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const given = await endpoint.respond(request, Buffer.concat(chunks))
    if (given === 'drop') return void response.destroy()
    response.writeHead(given.status ?? 200, given.headers)
    response.end(given.body)
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const endpoint: Endpoint = {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    respond,
    close: async () => {
      server.closeAllConnections()
      await once(server.close(), 'close')
    },
  }
  return endpoint
}

/** Forwards everything to the emulated AWS, and reports the body of each response. */
export const forwardTo =
  (to: string, onBody: (body: string) => void): Endpoint['respond'] =>
  (incoming, body) =>
    new Promise(resolve => {
      const outgoing = request(to + (incoming.url ?? '/'), {
        method: incoming.method ?? 'POST',
        headers: incoming.headers,
      })
      outgoing.on('error', () => resolve('drop'))
      outgoing.on('response', async response => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk)
        const body = Buffer.concat(chunks)
        onBody(body.toString())
        resolve({ status: response.statusCode ?? 0, headers: response.headers as Record<string, string>, body })
      })
      outgoing.end(body)
    })
