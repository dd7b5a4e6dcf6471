import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { CLUSTER, ended, hasTerminals, printed, useCli } from '../support/cli.js'
import { CredentialServer, roleSession } from '../support/credential-server.js'

const ESCAPE = '\u001b['

describe('The output of the command line', () => {
  const cli = useCli()

  const COMMANDS = [[], ['check'], ['credentials'], ['exec'], ['emulate']]
  for (const command of COMMANDS)
    it(`fits help with examples into 24 lines of 80 columns: ${['pg-redshift-iam', ...command].join(' ')}`, async () => {
      const stdout = await cli.output([...command, '--help'])
      const lines = stdout.trimEnd().split('\n')
      expect(lines).to.have.length.at.most(24)
      for (const line of lines) expect(line).to.have.length.at.most(80)
      expect(stdout)
        .to.match(/^Usage: pg-redshift-iam/)
        .and.match(/^Examples?\b/m)
    })

  it('lists every flag of the AWS CLI in its help', async () => {
    const stdout = await cli.output(['credentials', '--help'])
    for (const flag of `cluster-identifier workgroup-name custom-domain-name db-user db-name db-groups duration-seconds region profile
      endpoint-url ca-bundle no-verify-ssl cli-connect-timeout cli-read-timeout debug query output cli-input-json cli-input-yaml
      generate-cli-skeleton color version host port no-paginate no-cli-pager cli-binary-format no-cli-auto-prompt`.split(
      /\s+/,
    ))
      expect(stdout).to.include(`--${flag}`)
    expect(stdout).to.include('--[no-]auto-create')
  })

  it('shows its version', async () => {
    expect(await cli.output(['--version'])).to.match(/^pg-redshift-iam\/\d+\.\d+\.\d+\S* Node\//)
  })

  it('has no colours and no spinner without a terminal, except with --color on', async () => {
    const plain = await cli.run(['check', '--host', CLUSTER])
    expect(plain.stderr).to.include('✔ target').and.not.include(ESCAPE)
    const coloured = await cli.run(['check', '--host', CLUSTER, '--color', 'on'])
    expect(coloured.stderr).to.include(`${ESCAPE}32m✔`)
  })

  it('ends without an error if its reader closes the pipe', async () => {
    const command = `"${process.execPath}" "${cli.main}" credentials --host ${CLUSTER} | true; echo "\${PIPESTATUS[0]}"`
    const child = spawn('bash', ['-c', command], { cwd: cli.folder, env: cli.env })
    expect(await ended(child)).to.include({ stdout: '0\n', stderr: '' })
  })

  it('is complete on stdout if the reader of stderr closes the pipe', async () => {
    const command = `"${process.execPath}" "${cli.main}" check --host ${CLUSTER} 2> >(true); echo $?`
    const child = spawn('bash', ['-c', command], { cwd: cli.folder, env: cli.env })
    expect(await ended(child)).to.include({ stdout: 'All steps passed.\n0\n', stderr: '' })
  })

  describe(`on a terminal${hasTerminals ? '' : ' (skipped: script, of util-linux, is not installed)'}`, () => {
    before(function () {
      if (!hasTerminals) this.skip()
    })

    const onTerminal = async (parameters: string, env: Record<string, string> = {}, columns = 100): Promise<string> => {
      const child = cli.startOnTerminal(parameters, env, columns)
      child.stdin?.end()
      return (await ended(child)).stdout
    }

    it('has colours unless NO_COLOR is set', async () => {
      expect(await onTerminal(`check --host ${CLUSTER}`)).to.include(`${ESCAPE}32m✔`)
      expect(await onTerminal(`check --host ${CLUSTER}`, { NO_COLOR: '1' })).not.to.include(`${ESCAPE}32m`)
    })

    it('wraps messages at its width, or at 80 columns if it reports none', async () => {
      const longest = async (columns: number): Promise<number> => {
        const lines = (await onTerminal('credentials', {}, columns)).split(/\r?\n/)
        return Math.max(...lines.filter(line => !line.startsWith('More: ')).map(line => line.length))
      }
      expect(await longest(40)).to.be.within(30, 40)
      expect(await longest(0)).to.be.within(70, 80)
    })

    /** Holds AWS's response until the command has printed this. */
    const whileHeld = async (parameters: string, text: string): Promise<string> => {
      const holding = cli.emulator.fail({ kind: 'hold' })
      const child = cli.startOnTerminal(parameters)
      const end = ended(child)
      child.stdin?.end()
      await printed(child, text)
      holding.clear()
      return (await end).stdout
    }

    it('shows what it waits for, and clears the line before it prints', async () => {
      const activity = 'GetClusterCredentialsWithIAM for examplecluster … '
      const output = await whileHeld(`credentials --host ${CLUSTER} --query DbUser`, activity)
      expect(output).to.match(/ … \d+ s/)
      expect(output.trimEnd().endsWith(`${ESCAPE}1G${ESCAPE}0K"IAMR:analyst"`)).to.equal(true)
    })

    it('cuts the progress line at the width of the terminal', async () => {
      const parameters = `credentials --cluster-identifier ${'a'.repeat(63)} --region us-west-2`
      const output = await whileHeld(parameters, 'aaaa')
      const lines = output.split(`${ESCAPE}1G${ESCAPE}0K`).filter(line => line.includes('aaaa') && !line.includes('\n'))
      expect(lines).not.to.deep.equal([])
      for (const line of lines) expect(line).to.have.length.below(100)
    })

    describe('for a profile with mfa_serial', () => {
      const DEVICE = 'arn:aws:iam::123456789012:mfa/alice'
      let server: CredentialServer
      let env: Record<string, string>
      before(async () => {
        server = await CredentialServer.open()
        const { accessKeyId, secretAccessKey } = cli.emulator.aws.credentials
        const keys = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}`
        const role = `role_arn = arn:aws:iam::123456789012:role/reader\nmfa_serial = ${DEVICE}\nsource_profile = base`
        writeFileSync(`${cli.folder}/mfa-config`, `[profile reader]\n${role}\n[profile base]\n${keys}\n`)
        env = {
          AWS_CONFIG_FILE: `${cli.folder}/mfa-config`,
          AWS_PROFILE: 'reader',
          AWS_ENDPOINT_URL_STS: server.url('sts', roleSession(cli.emulator.aws.credentials)),
        }
      })
      after(() => server.close())

      for (const [command, result] of [
        ['credentials --query DbUser', 'IAMR:analyst'],
        ['check', 'All steps passed.'],
        ['exec -- printenv PGUSER', 'IAMR:analyst'],
      ] as const)
        it(`asks for the MFA code once, and does not show it: ${command}`, async () => {
          const [name, ...others] = command.split(' ')
          const child = cli.startOnTerminal([name, '--host', CLUSTER, ...others].join(' '), env)
          await printed(child, `Enter MFA code for ${DEVICE}: `)
          child.stdin?.write('12346\u007f56\r')
          const { code, stdout } = await ended(child)
          expect(stdout).to.include(result).and.not.include('123456').and.not.include('Enter MFA code')
          expect(code).to.equal(0)
          expect(server.bodies.filter(body => body.includes('TokenCode=123456'))).to.have.length(1)
          server.bodies.splice(0)
        })

      it('ends after Ctrl-C instead of a code', async () => {
        const child = cli.startOnTerminal(`credentials --host ${CLUSTER}`, env)
        await printed(child, 'Enter MFA code')
        child.stdin?.write('\u0003')
        expect((await ended(child)).code).to.equal(130)
      })
    })
  })
})
