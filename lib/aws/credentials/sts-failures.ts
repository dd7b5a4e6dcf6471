import { quoted } from '../../errors.js'
import { type CredentialFailure, capitalize, profileOf } from './failure.js'
import type { Source } from './sources.js'

const roleOf = ({ role }: Source): string => (role === undefined ? 'the role' : `the role ${role}`)
const tokenOf = ({ detail }: Source): string => (detail === undefined ? '' : ` in ${quoted(detail)}`)

/** What can fail with AWS STS. */
export const STS_FAILURES: readonly CredentialFailure[] = [
  // AWS STS, for a web identity token: IRSA, GitHub Actions and the like.
  {
    sources: ['web identity', 'own'],
    failure: 'the role does not trust the web identity',
    when: /^AccessDenied.*AssumeRoleWithWebIdentity/,
    problem: source => `The trust policy of ${roleOf(source)} does not allow this web identity token`,
    remedy: () =>
      'Allow its OIDC provider, audience and service account (`aud` and `sub`) in the trust policy of the role',
  },
  {
    sources: ['web identity', 'own'],
    failure: 'the account has no OIDC provider',
    when: /^InvalidIdentityToken.*No OpenIDConnect provider/,
    problem: source => `The AWS account of ${roleOf(source)} does not know the issuer of this web identity token`,
    remedy: () => "Create an IAM OIDC provider for that URL in the role's account, or correct the role's ARN",
  },
  {
    sources: ['web identity', 'own'],
    failure: 'the token has another audience',
    when: /^InvalidIdentityToken.*audience/i,
    problem: source => `The web identity token${tokenOf(source)} is for another audience`,
    remedy: () =>
      'Request the token for the audience sts.amazonaws.com, and list that audience in the IAM OIDC provider',
  },
  {
    sources: ['web identity'],
    failure: 'the web identity token has expired',
    when: /^ExpiredToken|^InvalidIdentityToken.*expired/i,
    problem: source => `The web identity token${tokenOf(source)} has expired`,
    remedy: () =>
      'Check what renews that file (the kubelet, the CI system); a file mounted by subPath is never renewed',
  },
  {
    sources: ['web identity', 'own'],
    failure: 'AWS does not accept the web identity token',
    when: /^(InvalidIdentityToken|IDPRejectedClaim|IDPCommunicationError)|^ValidationError.*webIdentityToken/,
    problem: source => `AWS STS does not accept the web identity token${tokenOf(source)}`,
    remedy: () =>
      "Check that it is a current token of the role's OIDC provider, and that AWS can reach the provider's keys",
  },
  {
    sources: ['web identity'],
    failure: 'the token file is missing',
    when: /^Error: (ENOENT|EACCES|EISDIR|ENOTDIR)\b/,
    problem: source => `The web identity token file ${quoted(source.detail)} cannot be read`,
    remedy: ({ profile }) =>
      `Mount the token there, or correct ${profile === undefined ? 'AWS_WEB_IDENTITY_TOKEN_FILE' : `web_identity_token_file of profile ${quoted(profile)}`}`,
  },
  // AWS STS, for any role.
  {
    sources: ['role', 'web identity', 'own'],
    failure: 'the role session is too long',
    when: /^ValidationError.*DurationSeconds/,
    // Role chaining limits a session to one hour.
    ofOuterRole: true,
    problem: source => `AWS STS does not allow a session of this length for ${roleOf(source)}`,
    remedy: ({ profile }) =>
      `Lower ${profile === undefined ? 'the duration of the role session' : `duration_seconds of profile ${quoted(profile)}`}, or raise the maximum session duration of the role; the option durationSeconds applies only to the Redshift login`,
  },
  {
    sources: ['role', 'web identity', 'own'],
    failure: 'AWS STS is off in the region',
    when: /^RegionDisabled/,
    problem: source => `AWS STS is turned off in this region for the account of ${roleOf(source)}`,
    remedy: () => 'Activate the region in the IAM console under account settings, or set AWS_REGION to another one',
  },
  {
    sources: ['role', 'web identity', 'own'],
    failure: 'AWS STS refuses a parameter',
    when: /^(ValidationError|MalformedPolicyDocument|PackedPolicyTooLarge)/,
    problem: source => `AWS STS does not accept the parameters for ${roleOf(source)}`,
    remedy: source => `Correct role_arn, role_session_name and the other settings of the role in ${profileOf(source)}`,
  },
  {
    sources: ['role', 'own'],
    failure: 'no MFA code is available',
    when: /multi-factor authentication, but no MFA code/,
    problem: source => `${capitalize(profileOf(source))} has mfa_serial, but this program cannot ask for the MFA code`,
    remedy: ({ profile }) =>
      `Set aws.credentials to fromIni({ mfaCodeProvider }) of @aws-sdk/credential-providers, or export a session: \`aws configure export-credentials${profile === undefined ? '' : ` --profile ${profile}`} --format env\``,
  },
  {
    sources: ['role', 'own'],
    failure: 'the MFA code is wrong',
    when: /^AccessDenied.*MultiFactorAuthentication failed/,
    problem: source => `AWS STS does not accept the MFA code for ${roleOf(source)}`,
    remedy: () => 'Enter the current code of the device in mfa_serial; each code works once, so wait for the next one',
  },
  {
    sources: ['role', 'own'],
    failure: 'the role may not be assumed',
    when: /^AccessDenied.*sts:(AssumeRole|TagSession|SetSourceIdentity)\b|^AccessDenied/,
    problem: source => `These AWS credentials may not assume ${roleOf(source)}`,
    remedy: () =>
      'Allow sts:AssumeRole in the policy of this identity, and this identity in the trust policy of the role',
  },
  {
    sources: ['role', 'own'],
    failure: 'the credentials that assume the role are not accepted',
    when: /^(InvalidClientTokenId|SignatureDoesNotMatch|ExpiredToken|IncompleteSignature|UnrecognizedClient|InvalidSignature)/,
    problem: source => `AWS STS does not accept the AWS credentials that assume ${roleOf(source)}`,
    remedy: ({ sourceProfile }) =>
      `Renew the keys ${sourceProfile === undefined ? 'that assume it' : `of profile ${quoted(sourceProfile)}`}, and check that key, secret and session token belong together`,
  },
]
