import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** A message in the sources, with `…` for each placeholder. */
export interface Message {
  readonly code: string
  readonly text: string
}

/** What creates an error: its code, or the index of that argument, and the index of the message. */
const MAKERS: Readonly<Record<string, readonly [code: string | number, message: number]>> = {
  UsageError: ['USAGE', 0],
  InvalidArgumentError: ['USAGE', 0],
  optionError: ['ERR_REDSHIFT_OPTION', 0],
  targetError: ['ERR_REDSHIFT_TARGET', 0],
  StepError: [0, 1],
  RedshiftCredentialsError: [0, 1],
}

/** Functions that return messages, or the end of one. */
const TELLERS: ReadonlySet<string> = new Set(['explainSpawnError'])

/** All error messages in the sources below a folder, except the emulator's. */
export const messagesBelow = (folder: string): Message[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts') && !file.startsWith('emulator'))
    .flatMap(file =>
      messagesIn(ts.createSourceFile(file, readFileSync(join(folder, file), 'utf8'), ts.ScriptTarget.Latest, true)),
    )

function messagesIn(source: ts.SourceFile): Message[] {
  const found: Message[] = []
  const add = (code: ts.Expression | string | undefined, message: ts.Expression | undefined): void => {
    const [known = ''] = typeof code === 'string' ? [code] : code ? texts(code) : []
    if (message) for (const text of texts(message)) found.push({ code: known, text })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      const maker =
        ts.isIdentifier(node.expression) && Object.hasOwn(MAKERS, node.expression.text) && MAKERS[node.expression.text]
      const { arguments: values = [] } = node
      if (maker) add(typeof maker[0] === 'string' ? maker[0] : values[maker[0]], values[maker[1]])
    }
    // A code and its message, next to each other.
    if (
      ts.isArrayLiteralExpression(node) &&
      node.elements[0] &&
      /^'ERR_REDSHIFT_|^(\w+\.)?code$/.test(node.elements[0].getText()) &&
      !/^'ERR_REDSHIFT_/.test(node.elements[1]?.getText() ?? '')
    )
      add(node.elements[0], node.elements[1])
    // A row of a table.
    if (ts.isPropertyAssignment(node) && node.name.getText() === 'problem' && ts.isArrowFunction(node.initializer))
      for (const value of returned(node.initializer)) add('', value)
    if (ts.isFunctionDeclaration(node) && TELLERS.has(node.name?.text ?? ''))
      for (const text of returned(node)) add('', text)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** The possible values of an expression. */
function texts(node: ts.Expression): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text]
  if (ts.isTemplateExpression(node))
    return [node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('')]
  if (ts.isParenthesizedExpression(node)) return texts(node.expression)
  if (ts.isConditionalExpression(node)) return [...texts(node.whenTrue), ...texts(node.whenFalse)]
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken)
    return texts(node.left).flatMap(left => texts(node.right).map(right => left + right))
  const name = ts.isIdentifier(node)
    ? node
    : ts.isCallExpression(node) && ts.isIdentifier(node.expression)
      ? node.expression
      : undefined
  const declared = name && declarationOf(name.getSourceFile(), name.text)
  // Unknown, or the enclosing function.
  if (!declared || (declared.pos <= node.pos && node.end <= declared.end)) return ['…']
  return ts.isFunctionLike(declared) ? returned(declared).flatMap(texts) : texts(declared)
}

/** The function or the value with this name in its file. */
function declarationOf(source: ts.SourceFile, name: string): ts.FunctionLikeDeclaration | ts.Expression | undefined {
  let found: ts.FunctionLikeDeclaration | ts.Expression | undefined
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionDeclaration(node) && node.name?.text === name) found = node
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.name.text === name)
      found = node.initializer
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function returned({ body }: ts.FunctionLikeDeclaration): ts.Expression[] {
  if (!body) return []
  if (!ts.isBlock(body)) return [body]
  const found: ts.Expression[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isReturnStatement(node) && node.expression) found.push(node.expression)
    if (!ts.isFunctionLike(node)) ts.forEachChild(node, visit)
  }
  visit(body)
  return found
}
