"""What is said in other languages, as in English: a block is a conversation, a line a turn, `||` between ways."""

from typing import Final

TEXTS: Final = {
    "pt": """
# delivery begun=SHIPPED done=DELIVERED days=4-7
C Olá! Encomendei {product} e ainda não chegou. Sabem onde anda? || Olá, há novidades da encomenda #{order}?
A Olá {first}, daqui {agent}. Vou já ver com a transportadora. || Olá {first}! Um momento, estou a ver.
A A encomenda #{order} está em distribuição em {city}, chega hoje ou amanhã. || Já está em {city}: tentaram entregar ontem e voltam amanhã.
C Ótimo, agradeço a rapidez! || Perfeito, fico à espera.
+C Já chegou, e cheira maravilhosamente. || Chegou tudo em ordem!
A Bom proveito, {first}!

# coffee-question kind=coffee
C Olá, o {product} serve para máquina automática? || Olá! Ainda têm {product}? Queria {quantity}.
A Olá {first}! Sim, torrámos esta terça-feira. Em grão ou moído? || Olá {first}, temos sim. Prefere em grão?
C Em grão, por favor. {quantity} pacotes. || Moído para cafeteira italiana, por favor. {quantity}.
A {quantity} × {product} são {total}. Envio para {city}?
C Sim, para a morada do costume. || Sim, por favor!
O Feito, é a encomenda #{order}. Sai amanhã de manhã.
C Que bom, {agent}. Até à próxima!

# visit
C Olá, vou estar no Porto no sábado. Até que horas estão abertos? || Olá! Fazem provas de café na loja?
A Olá {first}! De terça a sábado, das 9 às 18. Aos sábados há prova às 11.
C Então lá estarei. || Que ótima ideia, até sábado!
""",
    "es": """
# delivery begun=SHIPPED done=DELIVERED days=5-9
C Hola, hice el pedido #{order} hace días y todavía no ha llegado. ¿Podéis mirarlo? || Buenas, ¿se sabe algo de mi {product}?
A Hola {first}, soy {agent}. Lo compruebo ahora mismo. || Hola, {first}. Un momento, lo miro.
A El paquete ya está en {city}. Lo entregan mañana por la mañana. || Salió el jueves y está en reparto en {city}.
C Vale, muchas gracias. || Estupendo, mañana estoy en casa.
+C ¡Ya lo tengo! Todo perfecto. || Ha llegado esta mañana, gracias.
A ¡Que lo disfrutes, {first}! || Gracias por avisar.

# coffee-question kind=coffee
C ¡Hola! ¿El {product} va bien con leche? || Hola, ¿me podéis moler el {product} para cafetera italiana?
A ¡Hola {first}! Sí, es uno de los que más se piden para eso. ¿Cuántas bolsas quieres? || Claro que sí, {first}. ¿Cuántas te pongo?
C {quantity}, por favor. || Pues {quantity}, que vienen invitados.
A Serían {total} por {quantity} × {product}. ¿Lo mando a {city}?
C Sí, a la dirección de siempre. || Sí, gracias.
O Listo, es el pedido #{order}. Sale mañana.
C ¡Genial, gracias {agent}!

# complaint begun=DELIVERED done=DELIVERED days=5-9 kind=coffee
C Hola. La última bolsa de {product} sabe más amarga que otras veces. || Buenas, creo que algo pasa con el {product}: casi no tiene aroma.
A Lo siento, {first}. ¿Cómo lo preparas y qué fecha de tueste pone en la bolsa? || Vaya, {first}. ¿Me dices la fecha de tueste?
C En cafetera italiana. Pone el día 3. || En prensa, como siempre. La fecha es de hace un mes.
A Gracias. Te mando una bolsa nueva sin coste con el próximo envío. || Entonces es de un lote que salió demasiado tostado. Te envío otra hoy mismo.
C Muy amable, gracias. || Así da gusto. Gracias, {agent}.
""",
    "fr": """
# delivery begun=SHIPPED done=DELIVERED days=5-8
C Bonjour, j'ai passé la commande #{order} et je n'ai toujours rien reçu. Vous avez des nouvelles ? || Bonjour ! Savez-vous quand arrive mon colis ({product}) ?
A Bonjour {first}, ici {agent}. Je regarde tout de suite avec le transporteur. || Bonjour {first}, un instant, je vérifie.
A Le colis est à {city} depuis hier, il sera livré demain. || Il a quitté notre atelier jeudi et devrait arriver à {city} aujourd'hui ou demain.
C Parfait, merci beaucoup. || D'accord, je serai à la maison demain.
+C Bien reçu, tout est parfait. Merci ! || Il est là, et ça sent déjà bon dans la cuisine.
A Avec plaisir, {first} ! || Merci de nous l'avoir dit, bonne dégustation !

# tea-question kind=green
C Bonjour, à quelle température faut-il préparer {product} ? || Bonjour, est-ce que {product} convient pour le soir ?
A Bonjour {first} ! Je conseille 80 degrés et trois minutes, pas plus : il reste doux, même tard. || Bonjour {first}, oui, si on l'infuse deux minutes seulement, à 80 degrés.
C Merci ! J'en voudrais {quantity}, s'il vous plaît. || Très bien, alors j'en prends {quantity}.
A {quantity} × {product}, cela fait {total}. Je l'envoie à {city} ?
C Oui, à la même adresse. || Oui, merci.
O C'est fait : commande #{order}. J'ajoute un échantillon de {other}.
C Oh, c'est gentil. Merci {agent} !

# thanks begun=DELIVERED done=DELIVERED days=5-11
C Je voulais juste vous remercier : {product}, une merveille. || Colis bien arrivé, et le petit mot m'a fait très plaisir.
A Merci {first}, toute l'équipe est ravie ! || Quel gentil message, merci {first}.
C À bientôt, je recommanderai sûrement. || Continuez comme ça !
""",
    "de": """
# delivery begun=SHIPPED done=DELIVERED days=4-8
C Hallo, meine Bestellung #{order} ist noch nicht da. Können Sie bitte nachsehen? || Guten Tag, wissen Sie, wo mein Paket mit dem {product} steckt?
A Guten Tag {first}, hier ist {agent}. Ich frage gleich beim Paketdienst nach. || Hallo {first}, einen Moment, ich schaue nach.
A Es liegt seit gestern im Verteilzentrum bei {city} und kommt morgen. || Gestern war niemand da, heute versuchen sie es noch einmal. Sonst liegt es in der Filiale in {city}.
C Ah, gut. Dann warte ich. || Danke für die schnelle Antwort!
+C Ist angekommen, vielen Dank. || Paket ist da, alles heil. Danke!
A Das freut mich, {first}. Viel Freude damit!

# equipment-question kind=equipment paired=yes
C Hallo! Wie lange ist die Garantie für {product}? || Guten Tag, lohnt sich {product} auch für nur eine Person?
A Hallo {first}! Zwei Jahre, wie für alles Zubehör. || Guten Tag {first}, auf jeden Fall. Ich habe es selbst zu Hause.
C Das klingt gut. Was kostet der Versand nach {city}? || Und der Preis ist {price} mit Versand?
A Ab 40 Euro ist der Versand frei, sonst 4,90. || Der Versand nach {city} ist ab 40 Euro frei.
C Dann überlege ich es mir bis morgen. Danke! || Super, ich melde mich.
A Gern, keine Eile!

# wrong-item begun=DELIVERED done=DELIVERED days=4-7 kind=coffee
C Hallo, in meinem Paket war {other}, bestellt hatte ich aber {product}. Nummer #{order}. || Guten Tag, bei #{order} ist wohl etwas vertauscht worden: statt {product} kam {other}.
A Oh, das tut mir leid, {first}! Behalten Sie bitte die Packung, {product} geht heute noch raus. || Entschuldigung, {first}! Die richtige Packung schicken wir sofort, die falsche gehört Ihnen.
C Das ist aber nett, vielen Dank. || Damit habe ich nicht gerechnet. Danke!
+C Jetzt ist das Richtige da. || Heute angekommen, alles bestens.
""",
    "ru": """
# delivery begun=SHIPPED done=DELIVERED days=6-10
C Здравствуйте! Где сейчас мой заказ #{order}? || Здравствуйте, подскажите, пожалуйста, когда придёт {product}.
A Здравствуйте, {first}! Это {agent}. Сейчас уточню у службы доставки. || Здравствуйте, {first}! Минуту, проверяю.
A Посылка уже в городе {city}, курьер позвонит завтра. || Заказ #{order} уже прошёл сортировку и едет к вам, осталось два дня.
C Хорошо, спасибо большое. || Отлично, буду ждать звонка.
+C Всё пришло, аромат чудесный! || Посылка у меня, спасибо!
A Приятного чаепития... или кофе! || Рады слышать, {first}!

# tea-question kind=green paired=yes
C Здравствуйте! Есть ли ещё {product}? || Здравствуйте, как лучше заваривать {product}?
A Здравствуйте, {first}! Есть. Заваривать лучше водой 80 градусов, три минуты. || Здравствуйте, {first}! Вода 80 градусов и не дольше трёх минут.
C Спасибо. Тогда возьму {quantity} шт. || Понятно. Хочу заказать {quantity} шт.
A {quantity} × {product}: всего {total}. Отправляем в город {city}?
C Да, по тому же адресу.
O Готово, номер заказа #{order}. Положу ещё пробник: {other}.
C Как приятно, спасибо!
""",
    "uk": """
# delivery begun=SHIPPED done=DELIVERED days=5-9
C Вітаю! Чи є новини про замовлення #{order}? || Вітаю, коли приїде {product}?
A Вітаю, {first}! Це {agent}. Зараз дізнаюся в перевізника. || Вітаю, {first}! Хвилинку, дивлюся.
A Посилка вже у місті {city}, завтра буде у відділенні. || Учора пройшла митницю, чекайте післязавтра.
C Чудово, дякую! || Добре, зачекаю.
+C Отримано, все ціле. Дякую! || Забрано, пахне неймовірно!
A Смачної кави, {first}!

# coffee-question kind=coffee
C Вітаю! {product} підійде для турки? || Вітаю! Чи можна змолоти {product} для гейзера?
A Вітаю, {first}! Так, без проблем. Скільки пачок? || Так, {first}, змелемо як треба. Скільки бажаєте?
C {quantity}, будь ласка.
A {quantity} × {product} — разом {total}. Надсилаємо в місто {city}?
C Так, дякую.
O Готово: замовлення #{order}. Поїде завтра вранці.
C Супер, чекаю!
""",
    "el": """
# delivery begun=SHIPPED done=DELIVERED days=5-8
C Γεια σας! Η παραγγελία #{order} δεν έχει έρθει ακόμα. Μπορείτε να το δείτε; || Γεια σας, ξέρετε πότε θα έρθει το {product};
A Γεια σας {first}, εδώ {agent}. Το κοιτάζω αμέσως. || Γεια σας {first}, μισό λεπτό να ρωτήσω την εταιρεία μεταφορών.
A Το δέμα έφτασε χθες, περιοχή {city}, και παραδίδεται αύριο. || Είναι ήδη στο δρόμο για {city}, θα το έχετε αύριο ή μεθαύριο.
C Ωραία, ευχαριστώ πολύ! || Εντάξει, θα περιμένω.
+C Ήρθε! Μοσχοβόλησε το σπίτι. || Το παρέλαβα, όλα μια χαρά.
A Καλή απόλαυση, {first}!

# tea-question kind=green
C Γεια σας, το {product} έχει πολλή καφεΐνη; || Γεια! Πόση ώρα βράζει το {product};
A Γεια σας {first}! Με νερό στους 80 βαθμούς και τρία λεπτά βγαίνει απαλό. || Γεια σας {first}, δεν το βράζουμε: 80 βαθμοί και τρία λεπτά.
C Ευχαριστώ! Θα ήθελα {quantity}. || Τέλεια, θα πάρω {quantity}.
A {quantity} × {product}, σύνολο {total}. Να το στείλω στην ίδια διεύθυνση;
C Ναι, παρακαλώ.
O Έτοιμο, παραγγελία #{order}. Φεύγει αύριο.
C Ευχαριστώ, καλή συνέχεια!
""",
    "ar": """
# delivery begun=SHIPPED done=DELIVERED days=6-10
C مرحباً، طلبي رقم {order} لم يصل بعد. هل يمكنكم التحقق؟ || مرحباً، متى يصل {product} من فضلكم؟
A مرحباً {first}، معك {agent}. سأسأل شركة الشحن حالاً. || أهلاً {first}، لحظة من فضلك.
A الطرد وصل إلى {city} أمس وسيتم تسليمه غداً. || خرج الطرد من الجمارك وهو في الطريق إلى {city}.
C شكراً جزيلاً على السرعة. || ممتاز، سأنتظر.
+C وصل الطلب، والرائحة رائعة! || استلمت الطرد، شكراً لكم.
A بالهناء والشفاء! || يسعدنا ذلك، شكراً {first}.

# coffee-question kind=coffee
C مرحباً، هل {product} مناسب للإبريق؟ || مرحباً، هل يمكن طحن {product} ناعماً جداً؟
A مرحباً {first}! نعم، ونطحنه كما تريدون. كم كيساً؟ || أهلاً {first}، طبعاً. كم كيساً؟
C {quantity} من فضلك.
A {quantity} × {product} بسعر {total}. هل نرسله إلى {city}؟
C نعم، إلى العنوان نفسه.
O تم، رقم الطلب {order}. يخرج غداً صباحاً.
C شكراً لك!
""",
    "he": """
# delivery begun=SHIPPED done=DELIVERED days=6-9
C היי, ההזמנה שלי #{order} עוד לא הגיעה. אפשר לבדוק? || שלום, יש עדכון לגבי {product}?
A שלום {first}, כאן {agent}. רגע, בודקים עם חברת השליחויות. || היי {first}, מיד אבדוק.
A החבילה כבר ב{city} ותגיע מחר. || החבילה יצאה מהמכס אתמול, עוד יומיים היא אצלך.
C מעולה, תודה רבה! || סבבה, מחכים.
+C הגיע! איזה ריח. תודה. || החבילה הגיעה, הכול תקין.
A איזה כיף, תיהנו!

# coffee-question kind=coffee
C היי! {product} מתאים למקינטה? || שלום, אפשר לקבל את {product} טחון?
A שלום {first}! בהחלט, ואפשר גם לטחון. כמה חבילות? || בטח {first}. כמה חבילות לשים?
C {quantity}, בבקשה.
A {quantity} × {product}, סך הכול {total}. לשלוח לאותה כתובת?
C כן, תודה.
O מוכן: הזמנה #{order}. יוצאת מחר בבוקר.
C תודה ויום טוב!
""",
    "zh": """
# delivery begun=SHIPPED done=DELIVERED days=6-10
C 你好，我的订单 #{order} 还没有收到，能帮我查一下吗？ || 请问 {product} 大概什么时候能到？
A {first}您好，我是 {agent}，马上帮您查。 || 您好{first}，请稍等，我问一下快递。
A 包裹昨天已经到{city}了，明天派送。 || 已经清关，正在发往{city}，一两天就到。
C 好的，谢谢！ || 明白了，我等着。
+C 收到了，包装很好，味道很香。 || 今天收到啦，谢谢你们！
A 祝您喝得开心！ || 太好了，谢谢{first}。

# tea-question kind=green paired=yes
C 你好，{product} 用多少度的水泡比较好？ || 请问 {product} 还有货吗？想送给父母。
A {first}您好！建议 80 度，泡三分钟，可以泡三四次。 || 您好，有的。水温 80 度左右最合适。
C 好的，那我要 {quantity} 份。 || 谢谢，来 {quantity} 份吧。
A {quantity} × {product}，一共 {total}。寄到{city}的老地址吗？
C 对，麻烦了。
O 下好了，订单号 #{order}。再送您一小包 {other}。
C 太客气了，谢谢！
""",
    "ja": """
# delivery begun=SHIPPED done=DELIVERED days=6-10
C こんにちは。注文番号 #{order} がまだ届かないのですが、確認していただけますか。 || お世話になります。{product} はいつごろ届きますか。
A {first}様、お問い合わせありがとうございます。{agent} です。すぐにお調べします。 || {first}様、少々お待ちください。確認いたします。
A お荷物は昨日{city}に到着しており、明日のお届け予定です。 || 通関が終わり、{city}へ向かっております。あと二日ほどお待ちください。
C ありがとうございます。待っています。 || 分かりました。助かります。
+C 無事に届きました。とても良い香りです。 || 本日受け取りました。ありがとうございました。
A ご連絡ありがとうございます。どうぞお楽しみください。

# coffee-question kind=coffee paired=yes
C すみません、{product} はハンドドリップに合いますか。 || {product} を中挽きにしてもらうことはできますか。
A {first}様、はい、ぜひお試しください。豆のままと粉、どちらになさいますか。 || {first}様、もちろん可能です。おいくつご用意しましょうか。
C 中挽きで {quantity} 袋お願いします。
A {quantity} × {product} で合計 {total} です。いつものご住所でよろしいですか。
C はい、お願いします。
O 承りました。ご注文番号は #{order} です。明日発送いたします。
C ありがとうございます。楽しみにしています。
""",
    "ko": """
# delivery begun=SHIPPED done=DELIVERED days=6-10
C 안녕하세요, 주문 #{order} 아직 못 받았는데 확인 부탁드려요. || 안녕하세요! {product} 언제쯤 도착할까요?
A {first}님 안녕하세요, {agent}입니다. 바로 확인해 보겠습니다. || 안녕하세요 {first}님, 잠시만 기다려 주세요.
A 어제 {city}에 도착했고 내일 배송될 예정입니다. || 통관이 끝나서 하루 이틀 안에 받으실 수 있어요.
C 네, 감사합니다! || 알겠습니다. 기다릴게요.
+C 잘 받았어요. 향이 정말 좋네요. || 오늘 도착했습니다. 감사합니다!
A 맛있게 드세요, {first}님!

# coffee-question kind=coffee paired=yes
C 안녕하세요, {product} 라테로 마셔도 괜찮나요? || {product} 핸드드립용으로 갈아 주실 수 있나요?
A {first}님, 네 잘 어울립니다. 몇 봉지 드릴까요? || 물론이죠 {first}님. 몇 봉지 필요하세요?
C {quantity}봉지 부탁드려요.
A {quantity} × {product}, 합계 {total}입니다. 지난번 주소로 보내 드릴까요?
C 네, 그렇게 해 주세요.
O 주문 완료됐습니다. 번호는 #{order}입니다.
C 감사합니다, 좋은 하루 보내세요!
""",
    "hi": """
# delivery begun=SHIPPED done=DELIVERED days=6-10
C नमस्ते, मेरा ऑर्डर #{order} अभी तक नहीं आया। क्या आप देख सकते हैं? || नमस्ते! {product} कब तक पहुँचेगा?
A नमस्ते {first} जी, मैं {agent}। अभी कूरियर से पता करते हैं। || नमस्ते {first} जी, एक मिनट, देख रहे हैं।
A पार्सल कल {city} पहुँच गया है, कल तक आपको मिल जाएगा। || पार्सल {city} के रास्ते में है, दो दिन और लगेंगे।
C ठीक है, बहुत धन्यवाद। || अच्छा, इंतज़ार रहेगा।
+C पार्सल मिल गया, खुशबू कमाल की है! || आज मिल गया, शुक्रिया।
A बहुत खुशी हुई, {first} जी!

# tea-question kind=tea paired=yes
C नमस्ते, {product} को कितनी देर उबालना चाहिए? || क्या {product} दूध के साथ अच्छी लगती है?
A नमस्ते {first} जी! तीन मिनट काफ़ी हैं। कितने पैकेट भेजें? || जी {first} जी, आज़मा कर देखिए। कितने पैकेट चाहिए?
C {quantity} पैकेट, कृपया।
A {quantity} × {product}, कुल {total}। उसी पते पर भेज दें?
C हाँ जी।
O हो गया, ऑर्डर नंबर #{order} है।
C धन्यवाद!
""",
}
