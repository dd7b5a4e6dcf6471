import { once } from 'node:events'
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { listen } from '../listen.js'
import type { Settings } from '../settings.js'
import type { HttpResponse, RequestHandler } from './handler.js'

/** The HTTP server of the emulated AWS: one endpoint for `redshift`, `redshift-serverless` and `sts`. */
export class AwsEndpoint {
  readonly #server: HttpServer
  readonly #address: string
  /** 0 means any free port, until the server listens. */
  #port: number

  constructor({ awsPort, listenAddress }: Pick<Settings, 'awsPort' | 'listenAddress'>, handle: RequestHandler) {
    this.#address = listenAddress
    this.#port = awsPort
    this.#server = createServer((request, response) => {
      serve(request, response, handle).catch(() => response.destroy())
    })
    // The emulator does not keep the process alive.
    this.#server.on('connection', socket => socket.unref())
  }

  async listen(): Promise<void> {
    this.#port = await listen(this.#server, this.#address, this.#port)
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

async function serve(request: IncomingMessage, response: ServerResponse, handle: RequestHandler): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const signed = {
    method: request.method ?? '',
    headers: request.headers,
    body: Buffer.concat(chunks).toString('utf8'),
    isAborted: () => response.destroyed,
  }
  const result = await handle(signed)
  if (result === 'reset') request.socket.resetAndDestroy()
  else if (result) send(response, result)
}

function send(response: ServerResponse, { status, headers, body }: HttpResponse): void {
  response.sendDate = false
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
