import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { CLUSTER, useCli } from '../support/cli.js'

const USER = ['--query', 'DbUser', '--output', 'text']

describe('A command line', () => {
  const cli = useCli()
  const output = (...parameters: string[]) => cli.output(parameters)
  const refusal = (...parameters: string[]) => cli.refusal(parameters)

  it('accepts abbreviated flags, as the AWS CLI does', async () => {
    const flags = ['--cluster-id', 'examplecluster', '--reg=us-west-2', '--db-u', 'alice', '--quer', 'DbUser', '--out']
    expect(await output('credentials', ...flags, 'text')).to.equal('IAM:alice\n')
  })

  it('does not expand the value of a flag', async () => {
    expect(await refusal('credentials', '--host', CLUSTER, '--db-user', '--out')).to.include('--db-user "--out"')
  })

  it('does not expand the flags of the command that it runs', async () => {
    const script = 'console.log(process.argv.slice(1).join())'
    const command = [process.execPath, '-e', script, '--', '--reg', '--db-u']
    expect(await output('exec', '--ho', CLUSTER, '--', ...command)).to.equal('--reg,--db-u\n')
    expect(await output('exec', '--ho', CLUSTER, ...command)).to.equal('--reg,--db-u\n')
  })

  it('rejects an ambiguous abbreviation, and names the flags that it matches', async () => {
    const message = await refusal('credentials', '--db', 'x')
    for (const flag of ['--db-user', '--db-name', '--db-groups']) expect(message).to.include(flag)
  })

  it('accepts flags before the command', async () => {
    expect(await output('--region', 'us-west-2', 'credentials', '--host', CLUSTER, ...USER)).to.equal('IAMR:analyst\n')
    expect(await output('--db-name', 'exec', '--host', CLUSTER, 'exec', '--', 'echo', 'ran')).to.equal('ran\n')
    const { stderr } = await cli.run(['--debug', 'credentials', '--host', CLUSTER])
    expect(stderr).to.include('debug: fetch-start')
  })

  it('without a command is rejected with the list of commands', async () => {
    const message = await refusal('--region', 'us-west-2')
    for (const command of ['check', 'credentials', 'exec', 'emulate']) expect(message).to.include(command)
  })

  for (const parameters of [
    ['--region', 'x', 'credental', '--host', CLUSTER],
    ['credental', 'check'],
    ['help', 'credental'],
  ])
    it(`with an unknown command is rejected with the list of commands: ${parameters.join(' ')}`, async () => {
      const message = await refusal(...parameters)
      for (const named of ['"credental"', 'check', 'credentials', 'exec', 'emulate']) expect(message).to.include(named)
    })

  for (const [parameters, named] of [
    [['extra', '--host', CLUSTER], '"extra"'],
    [['--host'], '--host'],
    [['--host', CLUSTER, '--auto-create=true'], '"=true"'],
    [['--host', CLUSTER, '--color', "a' argument"], `"a' argument"`],
  ] as const)
    it(`is rejected with what is wrong: credentials ${parameters.join(' ')}`, async () => {
      const message = await refusal('credentials', ...parameters)
      expect(message)
        .to.include(named)
        .and.not.match(/Did you mean|undefined/)
    })

  it('uses the last of two lists', async () => {
    const groups = ['--db-groups', 'a', 'b', '--db-user', 'alice', '--db-groups', 'c']
    expect(await output('credentials', '--host', CLUSTER, ...groups, ...USER)).to.equal('IAMA:alice:c\n')
  })

  it('reads values from files, also relative to the home folder', async () => {
    writeFileSync(join(cli.folder, 'user.txt'), 'alice\n')
    for (const user of ['file://user.txt', 'file://~/user.txt', 'fileb://user.txt'])
      expect(await output('credentials', '--host', CLUSTER, '--db-user', user, ...USER)).to.equal('IAM:alice\n')
    expect(await refusal('credentials', '--db-user', 'file://~/no.txt')).to.include(`"${cli.folder}/no.txt"`)
  })

  it('accepts a number with a sign, and timeouts of any length', async () => {
    const flags = ['--duration-seconds', '+900', '--cli-connect-timeout', '99999999', '--cli-read-timeout', '99999999']
    expect(await output('credentials', '--host', CLUSTER, ...flags, ...USER)).to.equal('IAMR:analyst\n')
  })

  it('ignores an empty AWS_CA_BUNDLE', async () => {
    await cli.output(['credentials', '--host', CLUSTER], { AWS_CA_BUNDLE: '' })
  })

  it('is rejected with a hint to the help of its own command', async () => {
    expect(await refusal('credentials', '--profile', 'check', '--quer-y', 'x')).to.include('credentials --help')
  })

  it('prints stacks with its own --debug, but not with that of the command that it runs', async () => {
    const invalid = ['exec', '--host', CLUSTER, '--db-name', 'dev', '--db-user', 'no/name']
    expect((await cli.run([...invalid, '--', 'psql', '--debug'])).stderr).not.to.match(/^\s+at /m)
    expect((await cli.run([...invalid, '--debug', '--', 'psql'])).stderr).to.match(/^\s+at /m)
  })

  it('prints help', async () => {
    expect(await output('help')).to.equal(await output('--help'))
    expect(await output('help', 'check')).to.equal(await output('check', '--help'))
  })
})
