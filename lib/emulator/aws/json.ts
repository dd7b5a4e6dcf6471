import type { AwsError } from './errors.js'
import type { Answer, AwsRequest, Fields, WireProtocol } from './wire.js'

const contentType = 'application/x-amz-json-1.1'
const targetPrefix = 'RedshiftServerless.'

/** AWS JSON 1.1, the protocol of `redshift-serverless`. */
export const json: WireProtocol = {
  name: 'json',

  read(headers, body): AwsRequest {
    const target = String(headers['x-amz-target'] ?? '')
    const operation = target.startsWith(targetPrefix) ? target.slice(targetPrefix.length) : ''
    return { operation, version: '', parameters: parse(body) }
  },

  success(_request, fields): Answer {
    return { contentType, body: JSON.stringify(encoded(fields)) }
  },

  failure(_request, error: AwsError): Answer {
    const { code } = error.in('json')
    const namespaced =
      code === 'AccessDeniedException' || code === 'ThrottlingException' ? 'com.amazon.coral.service' : ''
    const type = `${namespaced || 'com.amazonaws.redshiftserverless'}#${code}`
    return { contentType, body: JSON.stringify({ __type: type, message: error.message }), errorType: code }
  },
}

function parse(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body || '{}')
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** Times go out as seconds since the epoch, with milliseconds behind the point; but a token's is RFC 3339. */
function encoded(value: unknown, name = ''): unknown {
  if (value instanceof Date) return name === 'expirationTime' ? value.toISOString() : value.getTime() / 1000
  if (Array.isArray(value)) return value.map(item => encoded(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value as Fields).map(([name, item]) => [name, encoded(item, name)]))
}
