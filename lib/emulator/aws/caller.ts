import { partitionOf } from '../../partitions.js'
import { defaultAccount } from '../targets.js'
import type { OperationRequest } from './operation-request.js'

/** An AWS identity, as `GetCallerIdentity` describes it. */
export interface Caller {
  readonly arn: string
  readonly userId: string
}

/** The AWS identity behind a database user: `IAMR:analyst` is a role, `IAM:alice` an IAM user. */
export function callerOf({ identity, region = '' }: Pick<OperationRequest, 'identity' | 'region'>): Caller {
  const [prefix, name] = identity.includes(':') ? identity.split(':') : ['IAM', identity]
  const start = `arn:${partitionOf(region).id}`
  return prefix === 'IAMR'
    ? { arn: `${start}:sts::${defaultAccount}:assumed-role/${name}/session`, userId: 'AROAEMULATOREXAMPLE12:session' }
    : { arn: `${start}:iam::${defaultAccount}:user/${name}`, userId: 'AIDAEMULATOREXAMPLE12' }
}
