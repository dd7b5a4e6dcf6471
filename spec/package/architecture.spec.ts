import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import ts from 'typescript'
import { messagesBelow } from '../support/messages.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8')

const apart = /^(store\/(redis|redis-client|dynamodb|server-clock)\.ts|store\/check\/|emulator\/|cli\/)/

/** The files and folders of the table, from top to bottom. */
const places: readonly string[] = [...page.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, names = '']) =>
  [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
)

const files: readonly string[] = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
  .map(file => file.replaceAll('\\', '/'))
  .filter(file => file.endsWith('.ts'))

/** The row of a file in the table: by its own name, or by its folder's. */
const rankOf = (file: string): number => {
  const own = places.indexOf(file)
  return own >= 0 ? own : places.findIndex(place => place.endsWith('/') && file.startsWith(place))
}

/** The files of lib/ that a file imports, including type imports. */
const importsOf = (file: string): string[] =>
  ts
    .preProcessFile(readFileSync(join(root, 'lib', file), 'utf8'))
    .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => posix.join(posix.dirname(file), fileName.replace(/\.js$/, '.ts')))

describe('The files of lib/', () => {
  it('are in the table of docs/architecture.md, and the table has no others', () => {
    expect(files.filter(file => rankOf(file) < 0)).to.deep.equal([])
    expect(places.filter(place => !existsSync(join(root, 'lib', place)))).to.deep.equal([])
  })

  it('import only from rows above their own, or from their own folder', () => {
    const upwards = files.flatMap(file =>
      importsOf(file)
        .filter(other => rankOf(other) > rankOf(file))
        .map(other => `${file} imports ${other}`),
    )
    expect(upwards).to.deep.equal([])
    // Otherwise nothing was checked: a type import, a re-export, a dynamic import.
    expect(importsOf('tracing.ts')).to.include('request.ts')
    expect(importsOf('index.ts')).to.include('pg/pool.ts')
    expect(importsOf('cli/login/source.ts')).to.include('index.ts')
  })

  it('of the core and the command line have no circular imports', () => {
    const left = new Map(files.filter(file => !file.startsWith('emulator/')).map(file => [file, importsOf(file)]))
    // Repeatedly removes every file without remaining imports.
    for (let before = -1; before !== left.size; ) {
      before = left.size
      for (const [file, others] of left) if (!others.some(other => left.has(other))) left.delete(file)
    }
    expect([...left.keys()]).to.deep.equal([])
  })

  it('do not load the stores for Redis and DynamoDB, the emulator or the command line through index.ts', () => {
    const reached = new Set(['index.ts'])
    // Iterating over a set includes entries that are added on the way.
    for (const file of reached) for (const other of importsOf(file)) reached.add(other)
    expect([...reached].filter(file => apart.test(file))).to.deep.equal([])
    expect(files.filter(file => !reached.has(file) && !apart.test(file))).to.deep.equal([])
  })
})

describe('The specs of the library', () => {
  /** The values that an expectation on a message compares it with. */
  const EXPECTATIONS = [
    /\.message\b[)\s]*\.(?:to|and)\b[\w.]*\.(?:match|include|contain|equal)\(\s*(['"`/].+)/g,
    /(?:stderr|message|(?:refusal|failure)\([^\n]*\))\)\s*\.(?:to|and)\b[\w.]*\.(?:match|include|contain|equal)\(\s*(['"`/].+)/g,
    /\.throw\(\s*(['"`/].+)/g,
    /\b(?:names|omits): \[([^\]]+)\]/g,
  ]
  const specs = readdirSync(join(root, 'spec'), { recursive: true, encoding: 'utf8' }).filter(file =>
    file.endsWith('.ts'),
  )
  const phrasesIn = (text: string): string[] => text.match(/\b[a-z]{2,}(?: [a-z]+)+\b/g) ?? []

  it('check error codes and names, and repeat no two words of our messages', () => {
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
