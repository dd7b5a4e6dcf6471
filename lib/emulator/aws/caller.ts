import { defaultAccount } from '../targets.js'

/** The ARN of the AWS identity behind a database user: `IAMR:analyst` is a role, `IAM:alice` an IAM user. */
export function callerArn(identity: string): string {
  const [prefix, name] = identity.includes(':') ? identity.split(':') : ['IAM', identity]
  return prefix === 'IAMR'
    ? `arn:aws:sts::${defaultAccount}:assumed-role/${name}/session`
    : `arn:aws:iam::${defaultAccount}:user/${name}`
}
