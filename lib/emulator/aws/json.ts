import type { AwsError } from './errors.js'
import type { Fields, WireProtocol, WireRequest, WireResponse } from './wire.js'

const contentType = 'application/x-amz-json-1.1'
const targetPrefix = 'RedshiftServerless.'

/** AWS JSON 1.1, the protocol of `redshift-serverless`. */
export const json: WireProtocol = {
  name: 'json',

  read(headers, body): WireRequest {
    const target = String(headers['x-amz-target'] ?? '')
    const operation = target.startsWith(targetPrefix) ? target.slice(targetPrefix.length) : ''
    return { operation, version: '', parameters: parse(body) }
  },

  success(_request, fields): WireResponse {
    return { contentType, body: JSON.stringify(encode(fields)) }
  },

  failure(_request, error: AwsError): WireResponse {
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

/** Times are sent as seconds since the epoch, with milliseconds as decimals; the expiration of a token is sent in RFC 3339 format. */
function encode(value: unknown, name = ''): unknown {
  if (value instanceof Date) return name === 'expirationTime' ? value.toISOString() : value.getTime() / 1000
  if (Array.isArray(value)) return value.map(item => encode(item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value as Fields).map(([name, item]) => [name, encode(item, name)]))
}
