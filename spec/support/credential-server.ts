import { type Endpoint, startEndpoint } from './endpoint.js'

/** The reply of a service of AWS. */
export interface Reply {
  readonly status: number
  readonly body: string
  readonly headers?: Record<string, string>
}

/** All services that issue AWS credentials, as one local server. The first part of the path selects the reply. */
export class CredentialServer {
  readonly #endpoint: Endpoint
  readonly #replies: Map<string, Reply>
  /** The bodies of the requests, in order. */
  readonly bodies: string[]

  private constructor(endpoint: Endpoint, replies: Map<string, Reply>, bodies: string[]) {
    this.#endpoint = endpoint
    this.#replies = replies
    this.bodies = bodies
  }

  static async open(): Promise<CredentialServer> {
    const replies = new Map<string, Reply>()
    const bodies: string[] = []
    const endpoint = await startEndpoint(({ url = '' }, body) => {
      bodies.push(String(body))
      return replies.get(url.split('/')[1] ?? '') ?? { status: 404, body: '' }
    })
    return new CredentialServer(endpoint, replies, bodies)
  }

  /** The URL that gets this reply. */
  url(name: string, reply: Reply): string {
    this.#replies.set(name, reply)
    return `${this.#endpoint.url}/${name}`
  }

  close(): Promise<void> {
    return this.#endpoint.close()
  }
}

export const stsError = (code: string, message: string, status = 403): Reply => ({
  status,
  body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
  headers: { 'content-type': 'text/xml' },
})

/** A role session with these keys. */
export const roleSession = ({
  accessKeyId,
  secretAccessKey,
}: {
  accessKeyId: string
  secretAccessKey: string
}): Reply => ({
  status: 200,
  body: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey><SessionToken>session</SessionToken><Expiration>2090-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
  headers: { 'content-type': 'text/xml' },
})

export const jsonError = (type: string, body: object, status = 403): Reply => ({
  status,
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', 'x-amzn-errortype': type },
})
