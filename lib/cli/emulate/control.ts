import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { ControlRoutes } from './control-routes.js'
import { RequestError } from './request-error.js'

/** Much more than any request needs. */
const MAX_BODY_BYTES = 1_000_000

/** The names of this machine. After DNS rebinding, a browser sends another name. */
const LOOPBACK_HOST = /^(?:127\.0\.0\.1|localhost)(?::\d+)?$/i

/** The control endpoint: HTTP and JSON on the loopback interface, protected by a token. */
export class ControlEndpoint {
  readonly #server: Server
  readonly #token: Buffer
  readonly #routes: ControlRoutes

  private constructor(routes: ControlRoutes, token: string) {
    this.#routes = routes
    this.#token = digest(token)
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  /** @param port 0 for any free port */
  static async start(routes: ControlRoutes, token: string, port = 0): Promise<ControlEndpoint> {
    const control = new ControlEndpoint(routes, token)
    control.#server.listen({ host: '127.0.0.1', port })
    await once(control.#server, 'listening')
    return control
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

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      this.#authorize(request)
      const { method = '', url = '/' } = request
      const { pathname, searchParams } = new URL(url, 'http://localhost')
      const result = await this.#routes.handle({
        method,
        path: pathname,
        query: searchParams,
        body: await readBody(request),
      })
      respond(response, result === undefined ? 204 : 200, result)
    } catch (error) {
      const status = error instanceof RequestError ? error.status : 400
      if (status === 401) response.setHeader('www-authenticate', 'Bearer')
      respond(response, status, { error: error instanceof Error ? error.message : String(error) })
    }
  }

  #authorize({ headers }: IncomingMessage): void {
    if (!LOOPBACK_HOST.test(headers.host ?? ''))
      throw new RequestError(403, 'The Host header names another machine. Send the request to 127.0.0.1 or localhost.')
    const [, token] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? []
    if (token === undefined || !timingSafeEqual(digest(token), this.#token))
      throw new RequestError(
        401,
        'The token is missing or wrong. Send the header Authorization: Bearer $REDSHIFT_EMULATOR_CONTROL_TOKEN.',
      )
  }
}

/** Parses the body as JSON; undefined if there is none. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) throw new RequestError(413, `The body is longer than ${MAX_BODY_BYTES} bytes.`)
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString('utf8').trim()
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    throw new RequestError(400, 'The body is not valid JSON.')
  }
}

function respond(response: ServerResponse, status: number, body: unknown): void {
  // The rest of the request may not have been read.
  if (status >= 400) response.shouldKeepAlive = false
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(body === undefined ? undefined : `${JSON.stringify(body)}\n`)
}

/** Has the same length for every token, as `timingSafeEqual` requires. */
const digest = (token: string): Buffer => createHash('sha256').update(token).digest()
