import type { EmulatedOperation } from '../records.js'
import type { Target } from '../targets.js'
import { AwsError } from './errors.js'
import type { Parameters } from './parameters.js'

/** One request, independent of its wire protocol. */
export interface OperationRequest {
  readonly operation: EmulatedOperation
  readonly parameters: Parameters
  /** The database user that AWS chooses for the caller. */
  readonly identity: string
  /** Undefined if the request is not signed. */
  readonly region: string | undefined
  /** The person behind the caller's credentials. Null if they are not identity-enhanced. */
  readonly person: string | null
  /** Whether it was sent to `redshift-serverless`. */
  readonly isServerless: boolean
  /** AWS's time, which a fault may skew. */
  readonly now: number
}

/** The cluster or workgroup that the request names. Throws AWS's error if it does not exist. */
export function requireTarget(request: OperationRequest): Target {
  const target = request.parameters.target()
  if (target) return target
  if (!request.parameters.namesTarget()) throw unnamed(request)
  if (request.parameters.hasUnknownDomain()) {
    // The message is AWS's. No report shows its code.
    throw new AwsError('validation', 'To use get credentials, you must provide an active custom domain name.')
  }
  throw notFound(request)
}

/** AWS's error if the cluster or workgroup does not exist, or is in another region. */
export function notFound({
  isServerless,
  parameters,
}: Pick<OperationRequest, 'isServerless' | 'parameters'>): AwsError {
  const name = parameters.targetName()
  return isServerless
    ? new AwsError('notFound', `Serverless workgroup ${name} not found.`)
    : new AwsError('notFound', `Cluster ${name} not found.`)
}

function unnamed({ isServerless }: OperationRequest): AwsError {
  const name = isServerless ? 'workgroupName' : 'ClusterIdentifier'
  return new AwsError('validation', `Either ${name} or a custom domain name must be given.`)
}
