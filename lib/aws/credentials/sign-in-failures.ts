import { quoted } from '../../errors.js'
import { type CredentialFailure, capitalize, profileOf } from './failure.js'
import type { Source } from './sources.js'

const accessOf = ({ role }: Source): string =>
  role === undefined ? 'this permission set' : `the permission set ${role}`

/** A command of the AWS CLI for the profile that needs it. */
const command = (words: string, profile: string | undefined): string =>
  profile === undefined
    ? `\`aws ${words}\`, with --profile if you use one`
    : `\`aws ${words} --profile ${/^[\w.@+-]+$/.test(profile) ? profile : quoted(profile)}\``

/** What can fail with IAM Identity Center and `aws login`. */
export const SIGN_IN_FAILURES: readonly CredentialFailure[] = [
  // IAM Identity Center.
  {
    sources: ['SSO', 'own'],
    failure: 'the permission set is not assigned',
    when: /\bForbiddenException\b/,
    problem: source => `IAM Identity Center denied this user ${accessOf(source)}`,
    remedy: source =>
      `Ask for the permission set to be assigned in that account, or correct sso_account_id and sso_role_name of ${profileOf(source)}`,
  },
  {
    sources: ['SSO', 'own'],
    failure: 'IAM Identity Center refuses a parameter',
    when: /\bInvalidRequestException\b|\bResourceNotFoundException\b/,
    problem: source => `IAM Identity Center does not accept ${accessOf(source)}`,
    remedy: source => `Correct sso_account_id and sso_role_name of ${profileOf(source)}`,
  },
  {
    sources: ['SSO'],
    failure: 'the sso-session is not in the file',
    when: /Sso session .* could not be found|reading 'sso_/,
    problem: ({ profile, detail }) =>
      `Profile ${quoted(profile)} names the sso-session ${quoted(detail)}, which does not exist`,
    remedy: ({ detail }) =>
      `Add [sso-session ${detail}] with sso_start_url and sso_region, or run \`aws configure sso\``,
  },
  {
    sources: ['SSO', 'own'],
    failure: 'the SSO profile is incomplete',
    when: /invalid SSO credentials\. Required|is missing required property 'sso_/,
    problem: source => `${capitalize(profileOf(source))} is not complete`,
    remedy: () => 'Set sso_account_id, sso_role_name and sso_session in the profile, or run `aws configure sso`',
  },
  {
    sources: ['SSO', 'own'],
    failure: 'the SSO session has ended',
    when: /\bSSO\b.*\b(invalid|expired|Token)\b|Token is expired|\bUnauthorizedException\b/,
    problem: ({ profile }) =>
      `The AWS SSO session${profile === undefined ? '' : ` of profile ${quoted(profile)}`} has ended or was never opened`,
    remedy: ({ profile }) => `Run ${command('sso login', profile)}`,
  },
  // `aws login`.
  {
    sources: ['aws login', 'own'],
    failure: 'aws login lacks a permission',
    when: /'CreateOAuth2Token'/,
    problem: ({ profile }) =>
      `The session of aws login${profile === undefined ? '' : ` for profile ${quoted(profile)}`} cannot be renewed without a permission`,
    remedy: () =>
      'Allow signin:CreateOAuth2Token for this identity (the AWS managed policy SignInLocalDevelopmentAccess does)',
  },
  {
    sources: ['aws login', 'own'],
    failure: 'the password has changed since aws login',
    when: /change in your password/,
    problem: ({ profile }) =>
      `The password has changed since aws login${profile === undefined ? '' : ` for profile ${quoted(profile)}`}`,
    remedy: ({ profile }) => `Run ${command('login', profile)}`,
  },
  {
    sources: ['aws login', 'own'],
    failure: 'the session of aws login has ended',
    when: /Please reauthenticate|re-authenticate using|Failed to (load|refresh) (a )?token|Token validation failed/,
    problem: ({ profile }) =>
      `The session of aws login${profile === undefined ? '' : ` for profile ${quoted(profile)}`} has ended or was never opened`,
    remedy: ({ profile }) => `Run ${command('login', profile)}`,
  },
  {
    sources: ['aws login'],
    failure: 'the session of aws login cannot be renewed',
    problem: ({ profile }) => `The session of aws login for profile ${quoted(profile)} could not be renewed`,
    remedy: ({ profile }) => `Run ${command('login', profile)}, and check the network path to the AWS sign-in service`,
  },
]
