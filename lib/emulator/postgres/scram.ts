import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

/** The client's side of SCRAM-SHA-256, without channel binding (RFC 5802, 7677). */
export class ScramExchange {
  readonly #password: string
  readonly #nonce = randomBytes(18).toString('base64')

  constructor(password: string) {
    this.#password = password
  }

  get first(): string {
    return `n,,n=*,r=${this.#nonce}`
  }

  /** The client's last message, in response to the server's challenge. */
  final(challenge: string): string {
    const fields = new Map(challenge.split(',').map(field => [field.slice(0, 1), field.slice(2)]))
    const nonce = fields.get('r') ?? ''
    if (!nonce.startsWith(this.#nonce)) throw new Error('The backing server sent another nonce in its SCRAM challenge.')
    const salt = Buffer.from(fields.get('s') ?? '', 'base64')
    const { clientKey, storedKey } = keys(this.#password, salt, Number(fields.get('i')))
    const withoutProof = `c=biws,r=${nonce}`
    const signature = hmac(storedKey, `n=*,r=${this.#nonce},${challenge},${withoutProof}`)
    const proof = clientKey.map((byte, i) => byte ^ (signature[i] ?? 0))
    return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`
  }
}

/**
 * The format in which PostgreSQL stores a password. One iteration is enough for random passwords; more would cost seconds of CPU in a
 * thousand logins.
 */
export function scramVerifier(password: string, salt: Buffer): string {
  const { storedKey, serverKey } = keys(password, salt, 1)
  const base64 = (bytes: Buffer) => bytes.toString('base64')
  return `SCRAM-SHA-256$1:${base64(salt)}$${base64(storedKey)}:${base64(serverKey)}`
}

function keys(password: string, salt: Buffer, iterations: number) {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const clientKey = hmac(salted, 'Client Key')
  return {
    clientKey,
    storedKey: createHash('sha256').update(clientKey).digest(),
    serverKey: hmac(salted, 'Server Key'),
  }
}

function hmac(key: Buffer, input: string): Buffer {
  return createHmac('sha256', key).update(input).digest()
}
