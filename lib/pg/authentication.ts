import { createHash } from 'node:crypto'
import { RedshiftCredentialsError } from '../errors.js'

/** What a client authenticates with. */
export type Secret =
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'token'; readonly token: string }

/** The codes in the server's authentication messages (type `R`). */
const OK = 0
const CLEARTEXT = 3
const MD5 = 5
const SASL = 10
const SASL_CONTINUE = 11
const SASL_FINAL = 12
/** Redshift only: a salted digest of the password. */
const DIGEST = 13
/** Redshift only: a token of an identity provider. */
const TOKEN = 14

/** Returns what to do with a message from the server: pass it to pg, finish the login, send a response, or fail with an error. */
export function handleAuthentication(
  type: string,
  body: Buffer,
  secret: Secret | undefined,
): 'pass' | 'done' | Buffer | Error {
  // pg loops forever on an error message without a terminator.
  if (type === 'E' || type === 'N') return isTerminated(body) ? 'pass' : malformed()
  if (type !== 'R' || body.length < 4) return malformed()
  const code = body.readInt32BE(0)
  const request = body.subarray(4)
  // The server must not send a request before the start-up packet was sent.
  if (!secret) return malformed(code)
  if (code === OK) return request.length === 0 ? 'done' : malformed(code)
  return secret.kind === 'token'
    ? handleTokenLogin(code, request, secret.token)
    : handlePasswordLogin(code, request, secret.password)
}

function handlePasswordLogin(code: number, request: Buffer, password: string): 'pass' | Buffer | Error {
  switch (code) {
    case CLEARTEXT:
      return request.length === 0 ? 'pass' : malformed(code)
    case MD5:
      return request.length === 4 ? 'pass' : malformed(code)
    case SASL:
      return isTerminated(request) ? 'pass' : malformed(code)
    case SASL_CONTINUE:
    case SASL_FINAL:
      return 'pass'
    case DIGEST:
      return digestResponse(request, password)
    case TOKEN:
      return unsupported(
        "The server requested an identity token, but this login has a password. Set api to 'GetIdentityCenterAuthToken', or " +
          'identityProvider, and leave the user out.',
      )
    default:
      return unknownRequest(code)
  }
}

function handleTokenLogin(code: number, request: Buffer, token: string): Buffer | Error {
  switch (code) {
    case TOKEN:
      return request.length === 0 ? message('i', Buffer.from(`${token}\0`)) : malformed(code)
    case CLEARTEXT:
    case MD5:
    case SASL:
    case DIGEST:
      return unsupported(
        `The server requested a password (authentication ${code}), but this login is a token. Register the identity provider in ` +
          'Redshift (CREATE IDENTITY PROVIDER), and check that host belongs to Redshift.',
      )
    default:
      return unknownRequest(code)
  }
}

/** Responds to a request that contains an algorithm, a salt and a nonce, as AWS's own drivers do. */
function digestResponse(request: Buffer, password: string): Buffer | Error {
  if (request.length < 4) return malformed(DIGEST)
  const algorithm = request.readInt32BE(0)
  const salt = field(request, 4)
  const nonce = salt && field(request, salt.end)
  if (!nonce || nonce.end !== request.length) return malformed(DIGEST)
  if (algorithm !== 0)
    return unsupported(
      `The server requested a digest of the password with the unknown algorithm ${algorithm}. Upgrade pg-redshift-iam.`,
    )
  const clientNonce = Buffer.from(String(Date.now()))
  const inner = createHash('sha256').update(password).update(salt.bytes).digest()
  const digest = createHash('sha256').update(inner).update(nonce.bytes).update(clientNonce).digest()
  return message('d', int32(digest.length), digest, int32(clientNonce.length), clientNonce)
}

/** Reads a length and that many bytes. Returns undefined if the request is too short. */
function field(request: Buffer, offset: number): { bytes: Buffer; end: number } | undefined {
  if (request.length < offset + 4) return undefined
  const start = offset + 4
  const end = start + request.readUInt32BE(offset)
  return end > request.length ? undefined : { bytes: request.subarray(start, end), end }
}

/** Whether a list of strings ends with an empty string, as the protocol requires. */
const isTerminated = (body: Buffer): boolean => body.at(-1) === 0 && (body.length === 1 || body.at(-2) === 0)

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(type), int32(4 + body.length), body])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const malformed = (code?: number): RedshiftCredentialsError =>
  new RedshiftCredentialsError(
    'ERR_REDSHIFT_RESPONSE',
    `The server sent ${code === undefined ? 'a message that does not belong to a login' : `an authentication request that cannot be read (${code})`}. ` +
      'Check that host and port belong to Redshift, and check any proxy in between.',
  )

const unknownRequest = (code: number): RedshiftCredentialsError =>
  unsupported(
    `The server requested authentication ${code}, which Redshift logins do not use. Check that host and port belong to Redshift.`,
  )

const unsupported = (message: string): RedshiftCredentialsError =>
  new RedshiftCredentialsError('ERR_REDSHIFT_UNSUPPORTED', message)
