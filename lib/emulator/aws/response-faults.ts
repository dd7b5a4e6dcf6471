import { partitionOf } from '../../partitions.js'
import type { ActiveFaults, Incoming } from '../active-faults.js'
import type { FaultOf } from '../faults.js'
import type { EmulatedOperation } from '../records.js'
import { defaultAccount, workgroupId } from '../targets.js'
import { callerOf } from './caller.js'
import { AwsError } from './errors.js'
import { notFound, type OperationRequest } from './operation-request.js'
import type { Parameters } from './parameters.js'
import { mismatchMessage, type Signature, type SignedRequest } from './signature.js'
import type { Fields, WireResponse } from './wire.js'

const errorKinds = [
  'throttling',
  'internal-error',
  'access-denied',
  'expired-token',
  'invalid-token',
  'signature-mismatch',
  'not-found',
  'unsupported',
  'validation',
] as const

type Malformed = FaultOf<'malformed'>['how']

/** The error of the oldest active fault that makes this request fail. */
export function errorFault(
  faults: ActiveFaults,
  incoming: Incoming,
  request: OperationRequest,
  signed: SignedRequest & { readonly signature: Signature },
): AwsError | undefined {
  const fault = faults.hitFirst(incoming, ...errorKinds)
  switch (fault?.kind) {
    case undefined:
      return undefined
    case 'throttling':
      return new AwsError('throttling', 'Rate exceeded', fault.retryAfterSeconds)
    case 'internal-error':
      return new AwsError(
        'internalFailure',
        'An internal error has occurred. Try your query again.',
        fault.retryAfterSeconds,
      )
    case 'access-denied':
      return accessDenied(request)
    case 'expired-token':
      return new AwsError('expiredToken', 'The security token included in the request is expired')
    case 'invalid-token':
      return new AwsError('invalidToken', 'The security token included in the request is invalid.')
    case 'signature-mismatch':
      return new AwsError('signatureMismatch', mismatchMessage(signed, signed.signature))
    case 'not-found':
      return notFound(request)
    case 'unsupported':
      return new AwsError('unsupported', "The requested operation isn't supported.")
    case 'validation':
      return new AwsError('validation', fault.message ?? '1 validation error detected.')
  }
}

/** AWS's message, with the resource that the caller's policy would have to name. */
function accessDenied(request: OperationRequest): AwsError {
  const { operation, parameters, isServerless, region = '' } = request
  const denied = `User: ${callerOf(request).arn} is not authorized to perform:`
  // It needs no permission, so only an explicit deny rejects it, and the message names no resource.
  if (operation === 'GetCallerIdentity') return new AwsError('accessDenied', `${denied} sts:GetCallerIdentity`)
  const service = isServerless ? 'redshift-serverless' : 'redshift'
  const { account = defaultAccount } = parameters.target() ?? {}
  const arn = `arn:${partitionOf(region).id}:${service}:${region}:${account}:${resource(operation, isServerless, parameters)}`
  const action = `${service}:${operation}`
  return new AwsError(
    'accessDenied',
    `${denied} ${action} on resource: ${arn} because no identity-based policy allows the ${action} action`,
  )
}

function resource(operation: EmulatedOperation, isServerless: boolean, parameters: Parameters): string {
  const nameOrWildcard = (parameter: string) => parameters.string(parameter) ?? '*'
  const cluster = nameOrWildcard('ClusterIdentifier')
  const target = parameters.target()
  const workgroup = `workgroup/${target ? workgroupId(target) : '*'}`
  switch (operation) {
    case 'GetClusterCredentials':
      return `dbuser:${cluster}/${nameOrWildcard('DbUser')}`
    case 'GetClusterCredentialsWithIAM':
      return `dbname:${cluster}/${nameOrWildcard('DbName')}`
    case 'DescribeClusters':
    case 'DescribeCustomDomainAssociations':
      return `cluster:${cluster}`
    case 'GetIdentityCenterAuthToken':
      return isServerless ? workgroup : `cluster:${parameters.targetName()}`
    default:
      return workgroup
  }
}

/** Removes or changes a field of a response, before it is encoded. */
export function malformFields(fields: Fields, how: Malformed | undefined, now: number): Fields {
  const { user, password, expiration } = fieldNames(fields)
  switch (how) {
    case 'no-user':
      return without(fields, user)
    case 'no-password':
      return without(fields, password)
    case 'no-expiration':
      return without(fields, expiration)
    case 'empty-user':
      return { ...fields, [user]: '' }
    case 'empty-password':
      return { ...fields, [password]: '' }
    case 'nan-expiration':
      // The SDK's JSON parser accepts a number that is too large for a JavaScript date.
      return { ...fields, [expiration]: expiration === 'expiration' ? 1e300 : 'NaN' }
    case 'past-expiration':
      return { ...fields, [expiration]: new Date(now - 60_000) }
    case 'far-expiration':
      return { ...fields, [expiration]: new Date(now + 10 * 365 * 86_400_000) }
    default:
      return fields
  }
}

/** Breaks an encoded response. A truncated one still contains the password, which must not appear in a client's error message. */
export function malformResponse(response: WireResponse, how: Malformed | undefined): WireResponse {
  if (how === 'empty-body') return { ...response, body: '' }
  if (how === 'not-a-document')
    return { contentType: 'text/plain', body: 'upstream connect error or disconnect/reset before headers' }
  if (how === 'truncated') return { ...response, body: response.body.slice(0, truncatedLength(response.body)) }
  return response
}

function truncatedLength(body: string): number {
  const expiration = /expiration/i.exec(body)
  return expiration ? expiration.index + expiration[0].length + 4 : Math.floor(body.length / 2)
}

function fieldNames(fields: Fields): { user: string; password: string; expiration: string } {
  if ('Token' in fields) return { user: '', password: 'Token', expiration: 'ExpirationTime' }
  if ('token' in fields) return { user: '', password: 'token', expiration: 'expirationTime' }
  return 'dbUser' in fields
    ? { user: 'dbUser', password: 'dbPassword', expiration: 'expiration' }
    : { user: 'DbUser', password: 'DbPassword', expiration: 'Expiration' }
}

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name))
}
