import { once } from 'node:events'
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Settings } from '../settings.js'
import type { Exchange, HttpAnswer } from './exchange.js'

/** The emulated AWS's HTTP side: one endpoint for `redshift`, `redshift-serverless` and `sts`. */
export class AwsEndpoint {
  readonly #server: HttpServer
  readonly #address: string
  /** The port that was asked for: 0, for any that is free, becomes that one. */
  #port: number

  constructor({ awsPort, listenAddress }: Pick<Settings, 'awsPort' | 'listenAddress'>, exchange: Exchange) {
    this.#address = listenAddress
    this.#port = awsPort
    this.#server = createServer((request, response) => {
      serve(request, response, exchange).catch(() => response.destroy())
    })
    // The emulator by itself keeps no process alive.
    this.#server.on('connection', socket => socket.unref())
  }

  async listen(): Promise<void> {
    this.#server.listen({ host: this.#address, port: this.#port, backlog: 4096 })
    await once(this.#server, 'listening')
    this.#server.unref()
    const address = this.#server.address()
    if (typeof address === 'object' && address) this.#port = address.port
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
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
