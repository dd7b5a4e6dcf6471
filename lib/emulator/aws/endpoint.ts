import { once } from 'node:events'
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Settings } from '../settings.js'
import type { Exchange, HttpAnswer } from './exchange.js'

/** The emulated AWS's HTTP side: one endpoint for `redshift`, `redshift-serverless` and `sts`. */
export class AwsEndpoint {
  readonly #server: HttpServer
  readonly #settings: Pick<Settings, 'awsPort' | 'listenAddress'>

  constructor(settings: Pick<Settings, 'awsPort' | 'listenAddress'>, exchange: Exchange) {
    this.#settings = settings
    this.#server = createServer((request, response) => {
      serve(request, response, exchange).catch(() => response.destroy())
    })
    // The emulator by itself keeps no process alive.
    this.#server.on('connection', socket => socket.unref())
  }

  async listen(): Promise<void> {
    const { awsPort, listenAddress } = this.#settings
    this.#server.listen({ host: listenAddress, port: awsPort, backlog: 4096 })
    await once(this.#server, 'listening')
    this.#server.unref()
  }

  get url(): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}

async function serve(request: IncomingMessage, response: ServerResponse, exchange: Exchange): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const signed = {
    method: request.method ?? '',
    headers: request.headers,
    body: Buffer.concat(chunks).toString('utf8'),
    // A client that has gone away gets no login.
    isGone: () => response.destroyed,
  }
  const answer = await exchange(signed)
  if (answer === 'reset') request.socket.resetAndDestroy()
  else if (answer) send(response, answer)
}

function send(response: ServerResponse, { status, headers, body }: HttpAnswer): void {
  response.sendDate = false
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
