// What a front end does with the generated types; compiled with --strict by generate.mjs, never run.
import type { ResultOf, VariablesOf } from '@graphql-typed-document-node/core';
import { FollowChatDocument, InboxDocument, SendMessageDocument, TransitionOrderDocument } from './graph/graphql';
import type { OrderStatus } from './graph/graphql';

export function titles(answer: ResultOf<typeof InboxDocument>): string[] {
  return answer.chats.edges.map(({ node }) => `${node.customer.displayName}: ${node.lastMessage?.content ?? ''}`);
}

export function refusal(answer: ResultOf<typeof TransitionOrderDocument>): string | undefined {
  return answer.orderTransition?.userErrors[0]?.code;
}

export const next: VariablesOf<typeof TransitionOrderDocument> = { id: 'order_1', to: 'SHIPPED' satisfies OrderStatus };
export const answer: VariablesOf<typeof SendMessageDocument> = { conversationId: 'chat_1', content: 'With pleasure.' };
export const sequence = (event: ResultOf<typeof FollowChatDocument>): number => event.messageAdded.sequence;
