import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a service of AWS says. */
export interface Reply {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Everything in front of Redshift that gives AWS credentials, as one local server: the first part of the path chooses the reply. */
export class AwsDoors {
  readonly #server: Server
  readonly #replies = new Map<string, Reply>()

  private constructor(server: Server) {
    this.#server = server
    server.on('request', (request, response) => {
      request.resume()
      const { status, body, headers } = this.#replies.get(request.url?.split('/')[1] ?? '') ?? { status: 404, body: '' }
      response.writeHead(status, headers).end(body)
    })
  }

  static async open(): Promise<AwsDoors> {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new AwsDoors(server)
  }

  /** The URL at which this reply is given. */
  url(name: string, reply: Reply): string {
    this.#replies.set(name, reply)
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${name}`
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

export const stsError = (code: string, message: string, status = 403): Reply => ({
  status,
  body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
  headers: { 'content-type': 'text/xml' },
})

export const jsonError = (type: string, body: object, status = 403): Reply => ({
  status,
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', 'x-amzn-errortype': type },
})
