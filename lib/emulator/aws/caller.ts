import { defaultAccount } from '../targets.js'

/** An AWS identity, as `GetCallerIdentity` describes it. */
export interface Caller {
  readonly arn: string
  readonly userId: string
}

/** The AWS identity behind a database user: `IAMR:analyst` is a role, `IAM:alice` an IAM user. */
export function callerOf(identity: string): Caller {
  const [prefix, name] = identity.includes(':') ? identity.split(':') : ['IAM', identity]
  return prefix === 'IAMR'
    ? { arn: `arn:aws:sts::${defaultAccount}:assumed-role/${name}/session`, userId: 'AROAEMULATOREXAMPLE12:session' }
    : { arn: `arn:aws:iam::${defaultAccount}:user/${name}`, userId: 'AIDAEMULATOREXAMPLE12' }
}
