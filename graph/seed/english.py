"""What is said in English: a block is a conversation, a line a turn, `||` stands between ways to say it."""

from typing import Final

TEXT: Final = """
# delivery begun=SHIPPED done=DELIVERED days=5-9
C Hi, I ordered the {product} on {day} and it hasn't arrived yet. Could you have a look? || Hello! Any news about order #{order}? I thought it would be here by now. || Hello, is there a tracking number for order #{order}? Nothing has come to {city} so far.
C No rush, I'm just running out :) || I'm away from Thursday, so it would be good to know.
A Hi {first}, {agent} here. Let me check with the courier, one moment. || Hello {first}, thanks for asking. I'm looking it up.
A Order #{order} left us two days after you placed it and has been at the sorting centre for {city} since yesterday. It should be with you tomorrow or the day after. || The parcel with your {product} is in {city} already. They tried to deliver yesterday and nobody was in; they come again tomorrow.
C Oh, that explains it. Thank you! || Great, then I'll wait. Thanks for the quick answer. || OK, I'll make sure somebody is at home.
+C It's here, and it smells wonderful. Thanks again! || Arrived this morning, all good. || Just to let you know: the parcel came. Thank you {agent}!
A Lovely, enjoy it! || Thanks for telling us, {first}. Have a good cup!

# not-sent begun=PROCESSING done=SHIPPED days=1-3
C Hello, has order #{order} been sent yet? || Hi there, my order #{order} still says that it is being prepared. When does it go out? || Hi! Just wondering when the {product} will ship.
A Hi {first}! We roast on Tuesdays and Thursdays, so that it leaves fresh. Yours is in the next batch and goes out with the afternoon collection. || Hello {first}, it's packed and waits for the courier. You get the tracking number as soon as it is scanned.
C Perfect, fresh is worth waiting for. Will I have it before the weekend? || Ah, I see. How long does it take from there? || Okay. And when would it be in {city}?
A To {city} it usually takes three working days from then. If it's longer, write to me and I'll chase them. || Three working days as a rule, so I'm optimistic.
C Thank you {agent}! || Super, thanks.

# wrong-item begun=DELIVERED done=DELIVERED days=4-8 kind=coffee
C Hi, my parcel came today, but there's {other} in it instead of {product}. Order #{order}. || Hello, I think you mixed something up: I ordered {product} and got {other}. || Order #{order} arrived, thanks, but with the wrong coffee: it says {other} on the bag.
A Oh no, I'm sorry {first}! Was the rest of the order right? || Sorry about that, {first}. That's our mistake. Is anything else missing?
C It's only that one bag. || The rest is fine. || Everything else is there.
A Then please keep the {other} with our apologies, and I'm sending the {product} today. No need to return anything. || Thank you. The right bag leaves this afternoon, at our cost of course. Keep the other one, or make somebody happy with it.
C That's very kind, thank you! || Wow, thanks. My neighbour will be pleased. || Fair enough, thank you for sorting it out so quickly.
+C The {product} is here now. All good! || Right bag received, cheers.

# damaged begun=DELIVERED done=REFUNDED days=4-8 kind=equipment
C Hello, I'm afraid the {product} arrived broken. The box was dented on one side. || Hi, order #{order} came today and the {product} is damaged. I could hear it before I opened it :( || Bad news about order #{order}: the {product} didn't survive the trip.
A Oh, I'm sorry to hear that, {first}. Could you describe what is broken, and keep the box for a few days? The courier sometimes asks for it. || That's not how it should reach you, {first}, sorry! What does the damage look like?
C The edge is damaged almost all the way round. I can't use it like that. || One side is bent, it must have fallen from quite a height. || It's bent and scratched all along one side.
A I see. Would you like a new one, or the money back? || Understood. I can send another one on Monday or pay it back, whichever you prefer.
C Money back please, I need one before the weekend and found it in a shop here. || I'd rather have the refund this time.
A Of course. I've refunded {total} for order #{order}; it takes three to five days to show in your account. || Done: {total} is on its way back to you. Sorry again for the trouble!
C Thank you, that was painless. || Thanks {agent}, appreciated.

# complaint begun=DELIVERED done=DELIVERED days=6-14 kind=coffee paired=yes
C I have to say I'm disappointed with the last bag of {product}. It tastes flat. || Hello. Third time I buy the {product}, and this bag is bitter whatever I do. || Hi, is it possible that the recipe of the {product} has changed? It's not what I remember.
A Hello {first}, thank you for being honest. May I ask how you brew it, and what the roast date on the bag is? || Sorry to hear that, {first}. What do you make it with, and how fine do you grind? || Hi {first}, no, same farm and same roast. But I'd like to find out: how do you make it?
C Same as ever: French press, four minutes, water just off the boil. Roasted five weeks ago, it says. || Moka pot, and the second finest setting, as for the old bag. || In the dripper, fifteen grams a cup.
A Five weeks should be fine, but that batch was at the dark end; you are the second person who tells me. A fresh bag goes into the post today. || Then try it one step coarser, please: this batch is a little darker. If it is still bitter tomorrow, I'll replace the bag. || Then try sixteen, and water a little hotter. This harvest is softer than the last one. If you don't like it, I'll exchange the bag.
C Thank you for taking it seriously. || OK, let me try that. || I will. Thanks for not telling me that it's my taste!
+C The new bag is here, and there it is again, the taste I was looking for. || You were right, one step coarser and all is well. || Sixteen grams it is. Still, I liked the old harvest more!
A I'm glad! And I passed it on to our roaster. || Glad to hear it, {first}. I've put a note on your account. || So did I, between the two of us. Thanks for coming back to me, {first}.

# refund begun=DELIVERED done=REFUNDED days=3-10 kind=equipment
C Hi, I'd like to return the {product} from order #{order}. It's unused. || Hello, can I still send back the {product}? I got the same one as a present. || Hello, how do returns work? The {product} is nice but not for me after all.
A Hi {first}, no problem, you have 30 days. Please send it in its box to the address on the slip and tell me when it is on its way. || Of course, {first}. Use the return slip in the parcel, the postage is on us.
C Great. Do I need to write anything on it? || Thanks! What should I write on the parcel?
A The order number is enough: {order}. Keep the receipt until it's here, just in case. || Just #{order} on the outside, so that I find you again.
+C Posted it this morning. || It's on its way back to you.
+A It's back with us. I've just refunded {total} to your card, {first}. || Received, thank you for packing it so well. {total} has been refunded.
C Thanks, that was easy! || Perfect, thank you.

# cancel begun=PENDING done=CANCELLED days=0-1
C Hello, I ordered the {product} by mistake a moment ago, order #{order}. Can you cancel it? || Hi! Can I still cancel order #{order}? I used my old address. || Oops, I've ordered twice. Please cancel #{order}, the other one is right.
A Hi {first}, nothing has been packed yet, so that's quickly done. Shall I cancel the whole order? || No problem, {first}. All of #{order}, yes?
C Yes please. || Yes, all of it. Sorry for the trouble!
A Order #{order} is cancelled and nothing will be charged. || Done! Your card won't be charged.
C Thank you! || That was fast, thanks.

# address begun=PROCESSING done=SHIPPED days=1-2
C Hi, I'm moving at the end of the week. Can order #{order} go to my new address? || Hello, I forgot the flat number in my address for order #{order}. Can you add it?
A Sure, {first}, it hasn't left yet. What should the label say? || Of course. Please send me the address as it should be.
C {street}, second floor, {city}. The name stays the same. || Please write: {name}, {street}, flat 4, {city}.
A Changed. I've printed a new label. || Thank you, that's on the parcel now.
C Brilliant, thanks {agent}. || Thank you so much!

# coffee-question kind=coffee
C Hi! Is the {product} something for a fully automatic machine? || Hello, does the {product} go well with milk? || Hey, would the {product} be right for a moka pot? || Hi, could I drink the {product} black, or is it too strong for that?
A Hi {first}! Yes, the {product} works very well for that, it was roasted this Tuesday. Whole beans, or shall we grind it? || Hello {first}, absolutely, many of our customers make it like that. Do you have a grinder at home?
C Whole beans please, {quantity} of them. || I have a new grinder, so whole beans. {quantity}, please! || Whole beans. Could I have {quantity}?
A With pleasure. {quantity} × {product} would be {total}. Shall I put it together? || That makes {total} for {quantity}. Should I send it to the address in {city}?
C Yes please! || Yes, the same address as always. || Go ahead, thanks.
O Done, it's order #{order}. You'll get a link to pay. || Thank you! I've made order #{order} of it and it goes out with the next collection.
C Great, looking forward to it. || Paid. Thank you!

# tea-question kind=green
C Hello, is the {product} something for the afternoon? || Hi! At what temperature should I brew the {product}? || Hi, how long does the {product} have to steep? Mine always gets bitter.
A Hello {first}! I'd take two teaspoons for a pot, water at 80 degrees, and no more than three minutes. Then it stays soft, in the afternoon too. || Hi {first}, 80 degrees, and two or three minutes only. We drink it all day here.
C Good to know. And does it keep? I'd like {quantity}. || Thanks! Then I'd like {quantity}, please.
A In the tin it keeps for a year. {quantity} × {product} is {total}; shall I send it to {city}? || Gladly, that's {total}.
C Yes please. || Perfect, yes.
O It's order #{order}, and I'm putting a sample of {other} in. || There you go: order #{order}. It leaves tomorrow.
C Oh nice, thank you! || Thank you {agent}, have a nice day.

# equipment-question kind=equipment paired=yes
C Hi, does the {product} come with a guarantee? || Hello! I can't decide between the {product} and the {other}. What would you take? || Is the {product} easy to clean? I share a kitchen with three people...
A Hi {first}! Two years, as for all our equipment. I use the {product} at home myself. || Hello {first}! If it's for every day, I'd take the {product}. The {other} is good too, but you will use it less. || Hi {first}, very: warm water, a soft brush, two minutes. I've had mine for six years.
C That's what I wanted to hear. How long does delivery to {city} take? || Sounds good. Is {price} the price with delivery?
A About four working days, and from 40 euro on it's free. || To {city} four days or so. Delivery is free from 40 euro, otherwise 4.90.
C Then let me think about it until tomorrow. || Thanks, I'll talk to my flatmates and come back to you. || Thank you, I'll order it at the weekend.
A Of course, take your time. I'm here if you have more questions. || No hurry at all!

# wholesale kind=coffee
C Hello, I run a small café in {city} and am looking for a new house coffee. Do you have prices for businesses? || Hello, we are an office of thirty and drink a lot. Is there a discount on larger amounts of {product}? || Hi, we'd like to serve your {product} in our bakery in {city}. Whom do I talk to?
A Hello {first}, that would be me. From ten bags on we give 15%, from forty on 20%, and we roast to your day. How much do you need in a month? || Hello {first}! For businesses there is 15% off from ten bags. Shall I send you samples first?
C We know it already, so no samples needed. About {quantity} bags a month to begin with. || We had it on holiday and loved it. Let's start with {quantity} bags.
A {quantity} × {product} is {total} at the list price; the discount comes off the invoice. Would Wednesday be a good delivery day? || Then I suggest {quantity} bags every first Wednesday. {total} before the discount.
C Wednesday before ten is perfect. Please go ahead. || Agreed. The invoice goes to the company, please.
O Wonderful. The first delivery is order #{order}. Welcome! || I've set it up: order #{order} is the first one.
C Thank you, looking forward to working with you. || Great. I'll tell the team.

# thanks begun=DELIVERED done=DELIVERED days=4-12
C Just wanted to say thank you: the {product} is the best I've had in years. || The parcel is here, and the handwritten note made my day. Thank you! || My sister got the {product} for her birthday and hasn't stopped talking about it. Thanks!
A That's so nice to read, {first}! I'll pin it up in the roastery. || Thank you {first}, the whole team is smiling. || How lovely! Enjoy every cup, {first}.
C Will you be at the market again this year? || Keep doing what you do. Are you at the market again?
A Yes, the one by the river, second weekend. Come and say hello! || We will. See you soon, {first}!

# opening-hours paired=yes
C Hi, are you open on Saturday? || Hello! Until when can I come by today? And is there somewhere to sit? || We'll be in Porto next week. Where is the shop exactly? || Hi, do you do coffee tastings for groups?
A Hi {first}! Tuesday to Saturday from 9 to 18, Sundays and Mondays closed. || Hello {first}, until 18. There are eight seats and a very slow cat. || Hi {first}! Five minutes from the São Bento station, up the hill. We're there from Tuesday to Saturday, 9 to 18. || Hello {first}, every Saturday at 11, up to eight people. How many would you be?
C Great, I'll be there around eleven. Do you take cards? || A cat! I'm coming. || Perfect, we'll find it. Is it worth the climb? ;) || Six, and two of us only drink tea. Is that a problem?
A Cards, cash, everything. See you on Saturday! || She'll be asleep in the window. See you later! || The coffee is downhill from there. See you next week! || Not at all, there is a pot of tea for every table. I'll keep six seats for you.
C See you! || :) || Haha, deal. || Wonderful, thank you {agent}!

# invoice begun=DELIVERED done=DELIVERED days=5-20
C Hello, could I have an invoice for order #{order} with our company's name on it? || Hi, I need an invoice for #{order} for my tax return. It wasn't in the parcel. || Hello, accounting asks for the invoice of order #{order} again, sorry.
A Hi {first}, of course. Which name and VAT number should it have? || Sure {first}. To whom should it be made out?
C {name}, {street}, {city}. No VAT number, thanks. || Please use my name and the delivery address.
A I've sent it to {email}: {total} for order #{order}. || It's in your mailbox now ({email}).
C Got it, thank you. || Found it in the spam folder, thanks!

# gift kind=tea
C Hi! Can you wrap the {product} as a present and put a card in? || Hello, I need a present for my aunt. Could you wrap the {product} and add a card? || Hi, is it possible to send the {product} to another address, as a gift?
A Of course, {first}. Wrapping is free. What should the card say? || With pleasure, {first}! I'd wrap it in blue paper. Would you like a few words on a card?
C "Happy birthday, from all of us." || Please write: Thank you for everything! || Just: See you in spring.
A Beautiful. The {product} is {price}, no price in the parcel. Shall I place the order? || Lovely. It's {price}, and the invoice comes to you alone.
C Yes please, thanks! || Please do.
O It's order #{order}. I'll write the card myself. || Done, order #{order}. It goes out tomorrow.
C You're a star! || Thank you so much {agent}.
"""
