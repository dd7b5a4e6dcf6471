import { once } from 'node:events'
import { isIP, type Socket } from 'node:net'
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import { codeOf, StepError } from '../terminal/failure.js'
import type { Finding } from './finding.js'

const TIMEOUT_MILLIS = 10_000

/** PostgreSQL's SSLRequest: its length, and a code instead of a protocol version. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/** Requests TLS from the server, and verifies its certificate as pg does with `ssl: true`. */
export async function inspectTls(socket: Socket, host: string, ca: string | undefined): Promise<Finding> {
  const { PGSSLMODE } = process.env
  if (PGSSLMODE === 'disable' || PGSSLMODE === 'allow')
    throw new StepError(
      'ERR_REDSHIFT_TLS',
      `PGSSLMODE=${PGSSLMODE} turns TLS off, and Redshift refuses IAM logins without it, with "password authentication failed". Unset PGSSLMODE, or set it to verify-full.`,
    )
  await requestTls(socket)
  const secured = connect({
    socket,
    host,
    ...(!isIP(host) && { servername: host }),
    ...(ca !== undefined && { ca }),
    // Verified below, so that the error can name the certificate.
    rejectUnauthorized: false,
  })
  try {
    await once(secured, 'secureConnect', { signal: AbortSignal.timeout(TIMEOUT_MILLIS) })
  } catch (cause) {
    throw handshakeError(cause)
  }
  const chain = chainOf(secured)
  if (!secured.authorized) throw untrustedError(host, chain, secured.authorizationError)
  const [leaf] = chain
  const protocol = secured.getProtocol()
  return {
    summary: `${protocol}; ${chain.map(({ name }) => name).join(' ← ')}; valid until ${leaf?.validTo}`,
    details: { protocol, chain },
  }
}

async function requestTls(socket: Socket): Promise<void> {
  socket.write(SSL_REQUEST)
  const closed = once(socket, 'close').then((): never => {
    throw new Error('the connection was closed')
  })
  const responded = once(socket, 'data', { signal: AbortSignal.timeout(TIMEOUT_MILLIS) })
  const response = await Promise.race([responded, closed]).catch(cause => {
    throw handshakeError(cause)
  })
  const byte = String(response[0]).charAt(0)
  if (byte === 'S') return
  throw new StepError(
    'ERR_REDSHIFT_TLS',
    byte === 'N'
      ? 'The server does not offer TLS, and Redshift refuses IAM logins without it. Check --host and --port, and that a proxy or tunnel on the way passes TLS on.'
      : 'The server does not speak the protocol of PostgreSQL. Check --host and --port (default: 5439).',
  )
}

interface Certificate {
  readonly name: string
  readonly issuer: string
  readonly validTo: string
}

function chainOf(socket: TLSSocket): Certificate[] {
  const chain: Certificate[] = []
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  const seen = new Set<string>()
  while (certificate?.fingerprint256 && !seen.has(certificate.fingerprint256)) {
    seen.add(certificate.fingerprint256)
    chain.push({
      name: nameOf(certificate.subject),
      issuer: nameOf(certificate.issuer),
      validTo: new Date(certificate.valid_to).toISOString().slice(0, 10),
    })
    certificate = certificate.issuerCertificate
  }
  return chain
}

const nameOf = (subject: DetailedPeerCertificate['subject'] | undefined): string =>
  String(subject?.CN ?? subject?.OU ?? subject?.O ?? 'no name')

function untrustedError(host: string, chain: readonly Certificate[], reason: Error | string): StepError {
  const code = typeof reason === 'string' ? reason : (codeOf(reason) ?? reason.message)
  const [leaf] = chain
  const certificate = `The server has a certificate for ${JSON.stringify(leaf?.name)}, issued by ${JSON.stringify(chain.at(-1)?.issuer)}`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return new StepError(
      code,
      `${certificate}, which is not valid for ${JSON.stringify(host)}. With a tunnel, give the cluster's own name by --host, and set PGHOSTADDR to the tunnel.`,
    )
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return new StepError(
      code,
      `${certificate}, which is not valid today (until ${leaf?.validTo}). Check this host's clock.`,
    )
  return new StepError(
    code,
    `${certificate}, which is not trusted (${code}): it belongs to another server than Redshift, or to a proxy. If you trust it, add its authority to the file in PGSSLROOTCERT, or in NODE_EXTRA_CA_CERTS if PGSSLROOTCERT is not set.`,
  )
}

function handshakeError(cause: unknown): StepError {
  const isTimeout = cause instanceof Error && cause.name === 'AbortError'
  const reason = isTimeout
    ? `no response within ${TIMEOUT_MILLIS / 1_000} s`
    : cause instanceof Error
      ? cause.message
      : String(cause)
  return new StepError(
    isTimeout ? 'ETIMEDOUT' : (codeOf(cause) ?? 'NO_TLS'),
    `TLS could not be negotiated: ${reason}. Check --host and --port, and that no proxy on the way decrypts TLS.`,
    { cause },
  )
}
