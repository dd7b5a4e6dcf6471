import type { Target } from '../targets.js'
import type { EmulatedOperation } from '../types.js'
import { AwsError } from './errors.js'
import type { Parameters } from './parameters.js'

/** One request, as far as an operation needs to know it. */
export interface OperationCall {
  readonly operation: EmulatedOperation
  readonly parameters: Parameters
  /** The database user that AWS chooses for the caller. */
  readonly identity: string
  readonly region: string | undefined
  /** The person whom the caller's credentials name. Null: they are not identity-enhanced. */
  readonly person: string | null
  /** It came to `redshift-serverless`. */
  readonly serverless: boolean
  /** AWS's time, which may be skewed. */
  readonly now: number
}

/** The cluster or workgroup that the request is about. */
export function findTarget(call: OperationCall): Target {
  const target = call.parameters.target()
  if (target) return target
  if (!call.parameters.namesTarget()) throw unnamed(call)
  if (call.parameters.hasUnknownDomain()) {
    // The words are AWS's. Their code is in no report.
    throw new AwsError('validation', 'To use get credentials, you must provide an active custom domain name.')
  }
  throw notFound(call)
}

/** AWS's answer where the cluster or workgroup does not exist, or lies in another region. */
export function notFound({ serverless, parameters }: Pick<OperationCall, 'serverless' | 'parameters'>): AwsError {
  const name = parameters.targetName()
  return serverless
    ? new AwsError('notFound', `Serverless workgroup ${name} not found.`)
    : new AwsError('notFound', `Cluster ${name} not found.`)
}

function unnamed({ serverless }: OperationCall): AwsError {
  const name = serverless ? 'workgroupName' : 'ClusterIdentifier'
  return new AwsError('validation', `Either ${name} or a custom domain name must be given.`)
}
