import { once } from 'node:events'
import { isIP, type Socket } from 'node:net'
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import { codeOf, StepError } from '../terminal/failure.js'
import type { Finding } from './finding.js'

const TIMEOUT_MILLIS = 10_000

/** PostgreSQL's request for TLS: a length, and a code in place of a protocol version. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/** Asks the server for TLS, and looks at the certificates that it shows. Verified as pg does with `ssl: true`. */
export async function inspectTls(socket: Socket, host: string, ca: string | undefined): Promise<Finding> {
  const { PGSSLMODE } = process.env
  if (PGSSLMODE === 'disable' || PGSSLMODE === 'allow')
    throw new StepError(
      'ERR_REDSHIFT_TLS',
      `PGSSLMODE=${PGSSLMODE} turns TLS off, and Redshift refuses IAM logins without it, with the words "password authentication failed". Unset PGSSLMODE, or set it to verify-full.`,
    )
  await requestTls(socket)
  const secured = connect({
    socket,
    host,
    ...(!isIP(host) && { servername: host }),
    ...(ca !== undefined && { ca }),
    // Looked at first, so that the refusal can name what was shown.
    rejectUnauthorized: false,
  })
  try {
    await once(secured, 'secureConnect', { signal: AbortSignal.timeout(TIMEOUT_MILLIS) })
  } catch (cause) {
    throw handshakeFailed(cause)
  }
  const chain = chainOf(secured)
  if (!secured.authorized) throw notTrusted(host, chain, secured.authorizationError)
  const [leaf] = chain
  const protocol = secured.getProtocol()
  return {
    text: `${protocol}; ${chain.map(({ name }) => name).join(' ← ')}; valid until ${leaf?.validTo}`,
    details: { protocol, chain },
  }
}

async function requestTls(socket: Socket): Promise<void> {
  socket.write(SSL_REQUEST)
  const closed = once(socket, 'close').then((): never => {
    throw new Error('the connection was closed')
  })
  const answered = once(socket, 'data', { signal: AbortSignal.timeout(TIMEOUT_MILLIS) })
  const answer = await Promise.race([answered, closed]).catch(cause => {
    throw handshakeFailed(cause)
  })
  const byte = String(answer[0]).charAt(0)
  if (byte === 'S') return
  throw new StepError(
    'ERR_REDSHIFT_TLS',
    byte === 'N'
      ? 'The server does not offer TLS, and Redshift refuses IAM logins without it. Check that host and port lead to Redshift, and what stands in between: a proxy or tunnel must pass TLS on.'
      : 'What answers does not speak the protocol of PostgreSQL. Check host and port: Redshift listens at 5439 unless changed.',
  )
}

interface ShownCertificate {
  readonly name: string
  readonly issuer: string
  readonly validTo: string
}

function chainOf(socket: TLSSocket): ShownCertificate[] {
  const chain: ShownCertificate[] = []
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

function notTrusted(host: string, chain: readonly ShownCertificate[], reason: Error | string): StepError {
  const code = typeof reason === 'string' ? reason : (codeOf(reason) ?? reason.message)
  const [leaf] = chain
  const shown = `The server shows a certificate for ${JSON.stringify(leaf?.name)}, issued by ${JSON.stringify(chain.at(-1)?.issuer)}`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return new StepError(
      code,
      `${shown}, which is not valid for ${JSON.stringify(host)}. With a tunnel, give the cluster's own name by --host and the tunnel's address in PGHOSTADDR.`,
    )
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return new StepError(code, `${shown}, which is not valid today (until ${leaf?.validTo}). Check this host's clock.`)
  return new StepError(
    code,
    `${shown}, which is not trusted here (${code}). Redshift's own come from Amazon's roots, in Node's store: this is another server, or a proxy in between. If it should be trusted, name its authority in PGSSLROOTCERT or NODE_EXTRA_CA_CERTS; a PGSSLROOTCERT that is set must hold it.`,
  )
}

function handshakeFailed(cause: unknown): StepError {
  const late = cause instanceof Error && cause.name === 'AbortError'
  const what = late
    ? `no answer within ${TIMEOUT_MILLIS / 1_000} s`
    : cause instanceof Error
      ? cause.message
      : String(cause)
  return new StepError(
    late ? 'ETIMEDOUT' : (codeOf(cause) ?? 'NO_TLS'),
    `TLS could not be negotiated: ${what}. Check that host and port lead to Redshift, and that nothing in between breaks TLS open.`,
    { cause },
  )
}
