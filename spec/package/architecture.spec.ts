import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import ts from 'typescript'
import { messagesBelow } from '../support/messages.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8')

const apart = /^(store\/(redis|dynamodb|server-clock)\.ts|store\/check\/|emulator\/|cli\/)/

/** The table's files and folders, from the top to the bottom. */
const places: readonly string[] = [...page.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, names = '']) =>
  [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
)

const files: readonly string[] = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
  .map(file => file.replaceAll('\\', '/'))
  .filter(file => file.endsWith('.ts'))

/** Where a file stands in the table: by its own name, or by its folder's. */
const rankOf = (file: string): number => {
  const own = places.indexOf(file)
  return own >= 0 ? own : places.findIndex(place => place.endsWith('/') && file.startsWith(place))
}

/** The files of lib/ that a file imports, those that it takes types from included. */
const importsOf = (file: string): string[] =>
  ts
    .preProcessFile(readFileSync(join(root, 'lib', file), 'utf8'))
    .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => posix.join(posix.dirname(file), fileName.replace(/\.js$/, '.ts')))

describe('The files of lib/', () => {
  it('stand in the table of docs/architecture.md, and nothing else does', () => {
    expect(files.filter(file => rankOf(file) < 0)).to.deep.equal([])
    expect(places.filter(place => !existsSync(join(root, 'lib', place)))).to.deep.equal([])
  })

  it('import only from those above them, or in their own folder', () => {
    const upwards = files.flatMap(file =>
      importsOf(file)
        .filter(other => rankOf(other) > rankOf(file))
        .map(other => `${file} imports ${other}`),
    )
    expect(upwards).to.deep.equal([])
    // Otherwise nothing would be looked at: an import of types, an export, one that waits for its use.
    expect(importsOf('tracing.ts')).to.include('request.ts')
    expect(importsOf('index.ts')).to.include('pg/pool.ts')
    expect(importsOf('cli/login/source.ts')).to.include('index.ts')
  })

  it('of the core and the command line import each other in no circle', () => {
    const left = new Map(files.filter(file => !file.startsWith('emulator/')).map(file => [file, importsOf(file)]))
    // Whatever imports nothing that is left is taken out, until that is all of it.
    for (let before = -1; before !== left.size; ) {
      before = left.size
      for (const [file, others] of left) if (!others.some(other => left.has(other))) left.delete(file)
    }
    expect([...left.keys()]).to.deep.equal([])
  })

  it('leave the stores for Redis and DynamoDB, the emulator and the command line out of what index.ts brings along', () => {
    const reached = new Set(['index.ts'])
    // A set goes on to what is added on the way.
    for (const file of reached) for (const other of importsOf(file)) reached.add(other)
    expect([...reached].filter(file => apart.test(file))).to.deep.equal([])
    expect(files.filter(file => !reached.has(file) && !apart.test(file))).to.deep.equal([])
  })
})

describe('The specs of the library', () => {
  /** What an expectation on a message compares it with. */
  const EXPECTATIONS = [
    /\.message\b[)\s]*\.(?:to|and)\b[\w.]*\.(?:match|include|contain|equal)\(\s*(['"`/].+)/g,
    /(?:stderr|message|(?:refusal|failure)\([^\n]*\))\)\s*\.(?:to|and)\b[\w.]*\.(?:match|include|contain|equal)\(\s*(['"`/].+)/g,
    /\.throw\(\s*(['"`/].+)/g,
    /\b(?:names|omits): \[([^\]]+)\]/g,
  ]
  const specs = readdirSync(join(root, 'spec'), { recursive: true, encoding: 'utf8' }).filter(
    file => file.endsWith('.ts') && !/^(emulator)\//.test(file),
  )
  const phrasesIn = (text: string): string[] => text.match(/\b[a-z]{2,}(?: [a-z]+)+\b/g) ?? []

  it('go by the codes of errors and by what they name: none repeats two words of our messages', () => {
    const messages = messagesBelow(join(root, 'lib')).map(({ text }) => text.replace(/`[^`]*`/g, '…'))
    const repeated = specs.flatMap(file => {
      const source = readFileSync(join(root, 'spec', file), 'utf8')
      return EXPECTATIONS.flatMap(expectation => [...source.matchAll(expectation)])
        .flatMap(([, expected = '']) => phrasesIn(expected.replace(/`[^`$]*`/g, '')))
        .filter(phrase => messages.some(message => message.includes(phrase)))
        .map(phrase => `${file}: ${phrase}`)
    })
    expect(repeated).to.deep.equal([])
  })
})
