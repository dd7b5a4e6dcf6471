import { partitionOf } from '../../partitions.js'
import type { FaultOf, Faults, Meeting } from '../faults.js'
import type { EmulatedOperation } from '../types.js'
import { callerOf } from './caller.js'
import { AwsError } from './errors.js'
import { notFound, type OperationCall } from './operation-call.js'
import type { Parameters } from './parameters.js'
import { mismatchMessage, type Signature, type SignedRequest } from './signature.js'
import type { Answer, Fields } from './wire.js'

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

/** The error that the first error fault at work makes of a request. */
export function errorFault(
  faults: Faults,
  meeting: Meeting,
  call: OperationCall,
  signed: SignedRequest & { readonly signature: Signature },
): AwsError | undefined {
  const fault = faults.meetFirst(meeting, ...errorKinds)
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
      return accessDenied(call)
    case 'expired-token':
      return new AwsError('expiredToken', 'The security token included in the request is expired')
    case 'invalid-token':
      return new AwsError('invalidToken', 'The security token included in the request is invalid.')
    case 'signature-mismatch':
      return new AwsError('signatureMismatch', mismatchMessage(signed, signed.signature))
    case 'not-found':
      return notFound(call)
    case 'unsupported':
      return new AwsError('unsupported', "The requested operation isn't supported.")
    case 'validation':
      return new AwsError('validation', fault.message ?? '1 validation error detected.')
  }
}

/** AWS's own words, with the resource that the caller's policy would have to name. */
function accessDenied({ operation, parameters, identity, serverless, region = '' }: OperationCall): AwsError {
  const denied = `User: ${callerOf(identity).arn} is not authorized to perform:`
  // It needs no policy and has no resource: only an explicit deny refuses it.
  if (operation === 'GetCallerIdentity') return new AwsError('accessDenied', `${denied} sts:GetCallerIdentity`)
  const service = serverless ? 'redshift-serverless' : 'redshift'
  const { account = '123456789012' } = parameters.target() ?? {}
  const arn = `arn:${partitionOf(region).id}:${service}:${region}:${account}:${resource(operation, serverless, parameters)}`
  const action = `${service}:${operation}`
  return new AwsError(
    'accessDenied',
    `${denied} ${action} on resource: ${arn} because no identity-based policy allows the ${action} action`,
  )
}

function resource(operation: EmulatedOperation, serverless: boolean, parameters: Parameters): string {
  const text = (name: string) => parameters.text(name)
  const cluster = text('ClusterIdentifier') ?? '*'
  switch (operation) {
    case 'GetClusterCredentials':
      return `dbuser:${cluster}/${text('DbUser') ?? '*'}`
    case 'GetClusterCredentialsWithIAM':
      return `dbname:${cluster}/${text('DbName') ?? '*'}`
    case 'DescribeClusters':
    case 'DescribeCustomDomainAssociations':
      return `cluster:${cluster}`
    case 'GetIdentityCenterAuthToken':
      return `${serverless ? 'workgroup/' : 'cluster:'}${parameters.targetName()}`
    default:
      return `workgroup/${text('workgroupName') ?? '*'}`
  }
}

/** Spoils what an answer says, before it is written down. */
export function malformedFields(fields: Fields, how: Malformed | undefined, now: number): Fields {
  const { user, password, expiration } = keys(fields)
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
      // As a number so large that JavaScript has no date for it, it gets through the SDK's parser.
      return { ...fields, [expiration]: expiration === 'expiration' ? 1e300 : 'NaN' }
    case 'past-expiration':
      return { ...fields, [expiration]: new Date(now - 60_000) }
    case 'far-expiration':
      return { ...fields, [expiration]: new Date(now + 10 * 365 * 86_400_000) }
    default:
      return fields
  }
}

/** Spoils a written answer. A truncated one still holds the password: it must not show up in anyone's error message. */
export function malformedAnswer(answer: Answer, how: Malformed | undefined): Answer {
  if (how === 'empty-body') return { ...answer, body: '' }
  if (how === 'not-a-document')
    return { contentType: 'text/plain', body: 'upstream connect error or disconnect/reset before headers' }
  if (how === 'truncated') return { ...answer, body: answer.body.slice(0, truncatedLength(answer.body)) }
  return answer
}

function truncatedLength(body: string): number {
  const expiration = /expiration/i.exec(body)
  return expiration ? expiration.index + expiration[0].length + 4 : Math.floor(body.length / 2)
}

function keys(fields: Fields): { user: string; password: string; expiration: string } {
  if ('Token' in fields) return { user: '', password: 'Token', expiration: 'ExpirationTime' }
  if ('token' in fields) return { user: '', password: 'token', expiration: 'expirationTime' }
  return 'dbUser' in fields
    ? { user: 'dbUser', password: 'dbPassword', expiration: 'expiration' }
    : { user: 'DbUser', password: 'DbPassword', expiration: 'Expiration' }
}

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name))
}
