import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { AwsError } from './errors.js'

/** How far the date of a request may be from AWS's clock. */
const toleranceMillis = 5 * 60_000

/** Who signed a request, and for which region and service. The emulator does not verify signatures, because it does not know the keys. */
export interface Signature {
  readonly accessKeyId: string
  readonly region: string
  readonly service: string
  readonly signedHeaders: readonly string[]
}

/** The parts of an HTTP request that the signature covers. */
export interface SignedRequest {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export function readSignature(headers: IncomingHttpHeaders): Signature | undefined {
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request, *SignedHeaders=([^,]+), *Signature=/.exec(
      headers.authorization ?? '',
    )
  if (!found) return undefined
  const [, accessKeyId = '', region = '', service = '', signedHeaders = ''] = found
  return { accessKeyId, region, service, signedHeaders: signedHeaders.split(';') }
}

/** Rejects a request with a date too far from AWS's clock. */
export function checkDate(headers: IncomingHttpHeaders, now: number): void {
  const date = String(headers['x-amz-date'] ?? '')
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (Number.isNaN(at))
    throw new AwsError('signatureMismatch', 'Authorization header requires existence of a valid "X-Amz-Date".')
  if (at < now - toleranceMillis) {
    const bound = `${basicFormat(now - toleranceMillis)} (${basicFormat(now)} - 5 min.)`
    throw new AwsError('signatureMismatch', `Signature expired: ${date} is now earlier than ${bound}`)
  }
  if (at > now + toleranceMillis) {
    const bound = `${basicFormat(now + toleranceMillis)} (${basicFormat(now)} + 5 min.)`
    throw new AwsError('signatureMismatch', `Signature not yet current: ${date} is still later than ${bound}`)
  }
}

/** AWS's message. It contains the canonical request, and so the session token that the caller signed. */
export function mismatchMessage({ method, headers, body }: SignedRequest, signature: Signature): string {
  const { signedHeaders, region, service } = signature
  const lines = signedHeaders.map(name => `${name}:${String(headers[name] ?? '').trim()}`)
  const canonical = [method, '/', '', ...lines, '', signedHeaders.join(';'), sha256(body)].join('\n')
  const date = String(headers['x-amz-date'] ?? '')
  const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')
  return (
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing ' +
    'method. Consult the service documentation for details.\n\n' +
    `The Canonical String for this request should have been\n'${canonical}'\n\n` +
    `The String-to-Sign should have been\n'${toSign}'\n`
  )
}

function basicFormat(time: number): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d+/g, '')
}

function sha256(input: string): string {
  return createHash('sha256').update(input).digest('hex')
}
