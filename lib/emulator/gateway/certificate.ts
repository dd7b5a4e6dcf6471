import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { parseRedshiftHost } from '../../host.js'

/** The gateway's TLS context, and the authority that clients verify its certificate with. */
export interface Certificate {
  readonly ca: string
  readonly context: SecureContext
}

/** Specs start many emulators with the same hosts, so a process makes one certificate per set of names. */
const certificates = new Map<string, Promise<Certificate>>()

/**
 * A certificate for these host names, `localhost` and `127.0.0.1`, signed by its own authority. Like Redshift's certificates, it has
 * a wildcard instead of the cluster's name.
 */
export function certificateFor(hosts: readonly string[]): Promise<Certificate> {
  const names = [...new Set([...hosts.map(certifiedName), 'localhost', '127.0.0.1'])]
  const key = JSON.stringify(names)
  const known = certificates.get(key)
  if (known) return known
  const certificate = makeCertificate(names)
  certificates.set(key, certificate)
  certificate.catch(() => certificates.delete(key))
  return certificate
}

async function makeCertificate(names: readonly string[]): Promise<Certificate> {
  const { generate } = await loadSelfsigned()
  // Elliptic curves, because RSA would make a thousand handshakes slow.
  const common = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256', ...validity() } as const
  // A unique name: OpenSSL completes a chain by name, and could pick the authority of another emulator that this process trusts.
  const name = `pg-redshift-iam emulator CA ${randomBytes(4).toString('hex')}`
  const ca = await generate([{ name: 'commonName', value: name }], {
    ...common,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const leaf = await generate([{ name: 'commonName', value: 'pg-redshift-iam emulator' }], {
    ...common,
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: names.map(subjectAltName) },
    ],
  })
  return { ca: ca.cert, context: createSecureContext({ key: leaf.private, cert: leaf.cert }) }
}

const certifiedName = (host: string): string => (parseRedshiftHost(host) ? host.replace(/^[^.]+/, '*') : host)

function subjectAltName(name: string): { type: 7; ip: string } | { type: 2; value: string } {
  return isIP(name) ? { type: 7, ip: name } : { type: 2, value: name }
}

function validity(): { notBeforeDate: Date; notAfterDate: Date } {
  const day = 86_400_000
  return { notBeforeDate: new Date(Date.now() - day), notAfterDate: new Date(Date.now() + 365 * day) }
}

async function loadSelfsigned(): Promise<typeof import('selfsigned')> {
  try {
    return await import('selfsigned')
  } catch (cause) {
    throw new Error(
      'The emulator needs the package "selfsigned" for its TLS certificate. Install it: npm install -D selfsigned',
      { cause },
    )
  }
}
