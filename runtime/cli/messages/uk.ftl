# Тексти командного рядка українською. В обох мовах ті самі повідомлення з тими самими змінними.

## Слова

error = Помилка:
because = бо
hint = Що робити:
yes = так
count-proposals = { $count ->
    [one] { $count } пропозиція
    [few] { $count } пропозиції
   *[many] { $count } пропозицій
}
count-tokens = { $count ->
    [one] { $count } токен
    [few] { $count } токени
   *[many] { $count } токенів
}

## Довідка: заголовки

help-usage = Використання:
help-commands = Команди
help-arguments = Аргументи
help-options = Параметри
help-examples = Приклади:

## Довідка: команди за їхніми назвами; атрибути — їхні аргументи

cmd = Виконує алгоритми, які малюють люди: компілює схему, підписує її, виконує й пропонує зміни
    .data = Тека даних: сховище, ключі, скомпільовані інструменти [типово: $BLOOM_DATA, інакше $XDG_DATA_HOME/bloom, інакше ~/.local/share/bloom]
    .config = Файл налаштувань [типово: $BLOOM_CONFIG, інакше bloom.toml у поточній теці, у теці даних або в ~/.config/bloom]
    .lang = Мова текстів: en або uk [типово: з LC_ALL, LC_MESSAGES чи LANG]
    .json = Відповідати у форматі JSON
    .text = Відповідати текстом для людей, навіть якщо вивід іде не в термінал
    .help = Показати довідку
    .version = Показати версію
    .examples =
        bloom run flow.drakon --notes ~/notes      виконати схему над текою нотаток
        bloom proposals list                       що чекає на ваше рішення
        bloom replay last                          довести, що останній запуск випливає зі своєї програми

        Код завершення: 0 — виконано; 1 — невдача; 2 — хибні аргументи;
        3 — відмовлено (підпис, довіра, правила); 4 — запуск чекає; 128 + N — зупинено сигналом N.

cmd-run = Виконати потік: схему, псевдокод, підписаний IR або потік зі сховища
    .flow = Файл або потік зі сховища за id@версія чи хешем
    .input = Вхідні дані як НАЗВА=ЗНАЧЕННЯ; тип задає схема вхідних даних потоку
    .inputs = Вхідні дані як об'єкт JSON
    .llm = Хто відповідає за вузли LLM: claude, command:ПРОГРАМА, scripted:ФАЙЛ або auto:ФАЙЛ (claude, якщо його встановлено й вхід виконано, інакше сценарій); human: людина, через bloom questions
    .tools = Тека з додатковими інструментами (*.wasm)
    .notes = Тека, яку інструменти можуть читати як нотатки
    .context = Тека, яку інструменти можуть читати як контекст [типово: нотатки]
    .flows = Тека з діаграмами, які можуть читати інструменти
    .memory = Тека з пам'яттю агентів [типово: memory в теці даних]
    .resume = Продовжити перерваний запуск
    .wait = Чекати, скільки чекає запуск: на час, сигнали й людей; інакше, щойно запуск лише чекає, команда завершиться з кодом 4
    .progress = Що тим часом повідомляти в стандартний потік помилок: auto, lines, json (рядок JSON на кожну записану подію), none [типово: auto]
    .id = Ідентифікатор потоку [типово: назва файлу]
    .flow-version = Версія потоку; 0.0.0 ніколи не реєструється за назвою [типово: 0.0.0]
    .limit = Скільки може використати запуск, наприклад max_proposals=50; можна повторювати. Також max_tokens, max_cost_micro_usd, max_steps, max_events, timeout_seconds, node_timeout_seconds
    .max-tokens = Скільки токенів можуть використати всі виклики LLM у запуску разом
    .max-cost = Скільки можуть коштувати всі виклики LLM у запуску разом, у доларах США, наприклад 0.50
    .timeout = Скільки секунд запуск може діяти; чекання не враховується
    .prose = Що робити з текстом, який не є інструкцією: error (помилка), llm (виконає або відповість LLM), human (людина) [типово: error]
    .opaque = Вважати таким текстом усе, що написано в іконах, навіть якщо воно розбирається; для LLM, якщо --prose не каже інакше
    .examples =
        bloom run archivist.drakon --notes ~/notes
        bloom run report.drakon --input days=7 --input title="Цей тиждень" --json
        bloom run archivist.drakon --llm scripted:answers.json
        bloom run --resume last

        У терміналі команда розповідає про кожну дію, щойно та сталася. Деінде та з --json
        вона друкує один об'єкт JSON: run, status, result, error, proposals, tokens, cost_micro_usd.

cmd-check = Сказати, що не так зі схемами, псевдокодом або документами IR
    .files = Файли
    .format = Як записати знайдене: text, json або sarif (SARIF 2.1.0) [типово: text]
    .limit = Скільки може використати запуск, наприклад max_proposals=50; можна повторювати. Також max_tokens, max_cost_micro_usd, max_steps, max_events, timeout_seconds, node_timeout_seconds
    .tools = Тека з додатковими інструментами (*.wasm)
    .prose = Що робити з текстом, який не є інструкцією: error (помилка), llm (виконає або відповість LLM), human (людина) [типово: error]
    .opaque = Вважати таким текстом усе, що написано в іконах, навіть якщо воно розбирається; для LLM, якщо --prose не каже інакше
    .examples =
        bloom check *.drakon
        bloom check flow.drakon --json
        bloom check *.drakon --format sarif > bloom.sarif

cmd-explain = Сказати, що означає код помилки, чому це помилка і що робити
    .codes = Коди, наприклад D044
    .examples =
        bloom explain D044

cmd-compile = Скомпілювати схему чи псевдокод у підписаний документ IR
    .file = Схема, псевдокод або документ IR, який треба підписати
    .output = Файл, куди записати; без нього — стандартний вивід
    .force = Записати й поверх файлу, який не є документом IR
    .key = Ключ цієї машини, яким підписати [типово: development]
    .tools = Тека з додатковими інструментами (*.wasm)
    .id = Ідентифікатор потоку [типово: назва файлу]
    .flow-version = Версія потоку; 0.0.0 ніколи не реєструється за назвою [типово: 0.0.0]
    .limit = Скільки може використати запуск, наприклад max_proposals=50; можна повторювати. Також max_tokens, max_cost_micro_usd, max_steps, max_events, timeout_seconds, node_timeout_seconds
    .prose = Що робити з текстом, який не є інструкцією: error (помилка), llm (виконає або відповість LLM), human (людина) [типово: error]
    .opaque = Вважати таким текстом усе, що написано в іконах, навіть якщо воно розбирається; для LLM, якщо --prose не каже інакше
    .examples =
        bloom compile archivist.drakon -o archivist.ir.json
        bloom compile archivist.drakon --flow-version 1.2.0 --key release -o archivist.ir.json
        bloom compile archivist.ir.json --key reviewer -o archivist.ir.json     # підпис поруч з авторовим

cmd-rehearse = Пройти потік з відповідями оракула й сказати, куди жоден прохід не дійшов; жоден інструмент чи LLM не працює
    .file = Діаграма, псевдокод або документ IR
    .runs = Скільки проходів [типово: 100, з --trace 1]
    .oracle = Зерно оракула: те саме зерно дає ті самі відповіді; наступні проходи беруть числа після нього [типово: 1]
    .trace = Натомість друкувати кожну подію проходу рядком JSON
    .output = Також намалювати діаграму як SVG у цей файл, з іконами й шляхами, якими ніхто не пройшов
    .tools = Тека з додатковими інструментами (*.wasm)
    .id = Ідентифікатор потоку [типово: назва файлу]
    .flow-version = Версія потоку; 0.0.0 ніколи не реєструють за назвою [типово: 0.0.0]
    .limit = Скільки може витратити запуск, наприклад max_proposals=50; можна повторювати. Також max_tokens, max_cost_micro_usd, max_steps, max_events, timeout_seconds, node_timeout_seconds
    .prose = Що робити з текстом, який не є інструкцією: error, llm або human [типово: llm; на репетиції нікого не питають]
    .opaque = Вважати таким текстом усе, що написано в іконах, навіть якщо воно розбирається
    .examples =
        bloom rehearse archivist.drakon
        bloom rehearse checklist.drakon --opaque --oracle 7 --trace

cmd-import = Зробити діаграми з файлу DRAKON Editor
    .file = Файл .drn
    .output = Тека, куди записати: по файлу на діаграму
    .force = Записати й поверх файлів, які вже є
    .examples =
        bloom import flows.drn -o flows/
        bloom check flows/*.drakon

        Лінії кожної діаграми розбираються; про хиби рисунка сказано з їхнім місцем на аркуші.

cmd-pseudocode = Записати схему псевдокодом, який компілюється в ту саму програму
    .file = Схема
    .locale = Мова ключових слів: uk або en [типово: мова текстів bloom]
    .output = Файл, який записати; без нього — стандартний вивід
    .tools = Тека з додатковими інструментами (*.wasm)
    .prose = Що робити з текстом, який не є інструкцією: error (помилка), llm (виконає або відповість LLM), human (людина) [типово: error]
    .opaque = Вважати таким текстом усе, що написано в іконах, навіть якщо воно розбирається; для LLM, якщо --prose не каже інакше
    .examples =
        bloom pseudocode archivist.drakon --locale uk
        bloom pseudocode archivist.drakon --locale en -o archivist.md

cmd-agent = Створити файли агента з його схеми та перевірити їх перед активацією

cmd-agent-export = Записати _agent.md і pseudocode.md зі схеми в теці
    .folder = Тека агента
    .locale = Мова ключових слів: uk або en [типово: мова текстів bloom]
    .force = Записати й поверх тіла, яке написали вручну
    .tools = Тека з додатковими інструментами (*.wasm)
    .examples =
        bloom agent export agents/archivist

cmd-agent-check = Сказати, що заважає активувати агента
    .folder = Тека агента
    .tools = Тека з додатковими інструментами (*.wasm)
    .examples =
        bloom agent check agents/archivist

cmd-render = Намалювати діаграму (SVG або PNG), також із тим, що зробив запуск чи репетиції
    .file = Діаграма
    .output = Файл, у який записати; без нього — стандартне виведення
    .theme = light (світла) або dark (темна) [типово: light]
    .format = svg або png [типово: за назвою файлу, інакше svg]
    .run = Запуск цієї діаграми: якими шляхами він пройшов, скільки разів минув кожну ікону, скільки чекав
    .rehearse = Провести стільки репетицій і позначити ікони та шляхи, до яких ніщо не дійшло
    .tools = Тека з додатковими інструментами (*.wasm)
    .id = Ідентифікатор потоку [типово: назва файлу]
    .flow-version = Версія потоку; 0.0.0 ніколи не реєструють за назвою [типово: 0.0.0]
    .limit = Скільки може витратити запуск, наприклад max_proposals=50; можна повторювати. Також max_tokens, max_cost_micro_usd, max_steps, max_events, timeout_seconds, node_timeout_seconds
    .prose = Що робити з текстом, який не є інструкцією: error, llm або human [типово: llm; на репетиції нікого не питають]
    .opaque = Вважати таким текстом усе, що написано в іконах, навіть якщо воно розбирається
    .examples =
        bloom render archivist.drakon -o archivist.svg
        bloom render archivist.drakon --run last --theme dark -o run.png
        bloom render archivist.drakon --rehearse 100 -o coverage.svg

cmd-verify = Перевірити хеш і підписи документа IR за ключами, яким довіряє ця машина
    .file = Документ
    .examples =
        bloom verify archivist.ir.json

cmd-keys = Створювати ключі, переглядати їх, довіряти чужим ключам
    .examples =
        bloom keys new release
        bloom keys list
        bloom keys trust anna.pub --role author

cmd-keys-new = Створити приватний ключ
    .name = Його назва: латинські літери, цифри, - _ .

cmd-keys-list = Показати ключі цієї машини й ті, яким вона довіряє

cmd-keys-trust = Довіряти ключу
    .key = Публічний ключ, як його друкує keys new, файл із ним або назва ключа цієї машини
    .name = Його назва у списку довіри
    .roles = Роль, якої вимагають правила, наприклад author чи reviewer; можна повторювати
    .expires = Коли довіра закінчується, наприклад 2027-01-01T00:00:00Z

cmd-owner = Задавати паролі власників — людей, які входять на сервер і вирішують від свого імені
    .examples =
        bloom owner set Олена
        bloom owner list
        pass show bloom | bloom owner set Олена
cmd-owner-set = Задати пароль власника: його буде запитано в терміналі, інакше це перший рядок стандартного вводу
    .name = Як звати людину: так вона значитиметься в рішеннях і в журналі аудиту
    .server = URL сервера замість сховища цієї машини; тоді client.api_key — токен сеансу власника
cmd-owner-list = Показати власників
    .server = URL сервера замість сховища цієї машини
cmd-owner-remove = Вилучити власника; його сеанси закінчуються
    .name = Як звати людину
    .server = URL сервера замість сховища цієї машини; тоді client.api_key — токен сеансу власника

cmd-flow = Показувати, публікувати й запускати потоки сховища або сервера
    .server = URL сервера, наприклад http://127.0.0.1:5000, замість сховища цієї машини
    .examples =
        bloom flow publish archivist.drakon --flow-version 1.0.0
        bloom flow publish archivist.ir.json --server http://127.0.0.1:5000
        bloom flow start archivist --wait --server http://127.0.0.1:5000

        Серверові, який вимагає ключа, показується ключ із client.api_key (BLOOM_CLIENT_API_KEY, RUNTIME_API_KEY).

cmd-flow-list = Показати потоки
    .server = URL сервера замість сховища цієї машини

cmd-flow-publish = Зробити так, щоб потік можна було запускати за назвою: підписаний IR або схема, яку буде скомпільовано й підписано тут
    .flow = Файл або потік сховища за id@версія чи хешем
    .server = URL сервера замість сховища цієї машини
    .id = Ідентифікатор потоку [типово: назва файлу]
    .flow-version = Версія потоку; 0.0.0 за назвою не реєструється [типово: 0.0.0]
    .limit = Скільки може використати запуск, наприклад max_steps=1000; можна повторювати
    .prose = Що робити з текстом, який не є інструкцією: error (помилка), llm (виконає або відповість LLM), human (людина) [типово: error]
    .opaque = Вважати таким текстом усе, що написано в іконах, навіть якщо воно розбирається; для LLM, якщо --prose не каже інакше
    .tools = Тека з додатковими інструментами (*.wasm)

cmd-flow-start = Запустити опублікований потік; без --server — тут, як bloom run
    .flow = Його ідентифікатор або id@версія; без сервера — id@версія або хеш
    .input = Вхідні дані як НАЗВА=ЗНАЧЕННЯ; тип визначає схема вхідних даних потоку
    .inputs = Вхідні дані як об'єкт JSON
    .wait = Дочекатися кінця запуску
    .server = URL сервера замість сховища цієї машини
    .idempotency-key = Той самий ключ із тими самими даними дає той самий запуск, хоч скільки разів його надіслати

cmd-runs = Показати запуски, спершу найновіші
    .flow = Лише цього потоку
    .status = Лише в цьому стані: running, completed, failed, cancelled, continued
    .limit = Не більше ніж стільки [типово: 20]
    .server = URL сервера замість сховища цієї машини

cmd-tasks = Показати завдання для виконавців, спершу найновіші, або повторити завдання
    .status = Лише в цьому стані: queued, leased, running, completed, failed, dead
    .limit = Не більше ніж стільки [типово: 20]
    .server = URL сервера замість сховища цієї машини
cmd-tasks-list = Показати завдання, спершу найновіші
    .status = Лише в цьому стані: queued, leased, running, completed, failed, dead
    .limit = Не більше ніж стільки [типово: 20]
    .server = URL сервера замість сховища цієї машини
cmd-tasks-requeue = Повторити невдале або покинуте завдання, почавши лік спроб спочатку
    .task = Його ідентифікатор
    .server = URL сервера замість сховища цієї машини

cmd-workers = Показати виконавців або вилучити виконавця
    .server = URL сервера замість сховища цієї машини; хто зараз на зв'язку, знає лише сервер
cmd-workers-list = Показати виконавців
    .server = URL сервера замість сховища цієї машини; хто зараз на зв'язку, знає лише сервер
cmd-workers-remove = Вилучити виконавця; те, що він тримає, повертається в чергу
    .worker = Його назва
    .server = URL сервера замість сховища цієї машини

cmd-workers-key = Створювати, показувати й відкликати ключі виконавців: кожен діє лише за одного виконавця
cmd-workers-key-new = Створити ключ для виконавця й надрукувати його: більше його не буде показано
    .worker = Назва виконавця; реєструвати його заздалегідь не треба
    .server = URL сервера замість сховища цієї машини
cmd-workers-key-list = Показати ключі без їхніх секретів
    .server = URL сервера замість сховища цієї машини
cmd-workers-key-revoke = Більше нікого не впускати з цим ключем
    .id = Ідентифікатор ключа
    .server = URL сервера замість сховища цієї машини
cmd-workers-enroll = Створити й надрукувати токен, з яким одна машина стає вузлом: один раз, протягом 15 хвилин
    .worker = Назва вузла
    .server = URL сервера замість сховища цієї машини

cmd-show = Показати запуск: що він робив, чим закінчився, що запропонував
    .run = Його ідентифікатор, однозначна частина ідентифікатора або last

cmd-history = Надрукувати, що записано про запуск
    .run = Його ідентифікатор, однозначна частина ідентифікатора або last
    .examples =
        bloom history last
        bloom history last --json > run.jsonl       точні байти ланцюжка хешів

cmd-replay = Довести, що запуск випливає зі своєї програми, або показати, де саме ні
    .runs = Ідентифікатори, однозначні їх частини або last; з --ir також ідентифікатор потоку — для його останніх запусків
    .ir = За цим потоком: схема, псевдокод, підписаний IR або потік зі сховища. Якщо запуск виконано за іншим, сказати, де він пішов би інакше
    .file = Відтворити експортовану історію, без сховища; можна повторювати
    .last = Разом із --ir: порівняти останні N запусків потоку [типово: 20]
    .until = Зупинитися після події N і надрукувати весь стан
    .tools = Тека з додатковими інструментами (*.wasm)
    .id = Ідентифікатор потоку, названого в --ir [типово: назва файлу]
    .flow-version = Версія потоку, названого в --ir [типово: 0.0.0]
    .limit = Скільки може використати запуск потоку, названого в --ir, наприклад max_steps=1000; можна повторювати
    .prose = Що робити з текстом, який не є інструкцією: error (помилка), llm (виконає або відповість LLM), human (людина) [типово: error]
    .opaque = Вважати таким текстом усе, що написано в іконах, навіть якщо воно розбирається; для LLM, якщо --prose не каже інакше
    .examples =
        bloom replay last
        bloom replay last --until 7
        bloom replay --ir archivist.ir.json --file run.jsonl
        bloom replay --ir corrected.drakon              які з останніх 20 запусків пішли б інакше і де?
        bloom replay --ir corrected.drakon --last 100 archivist

        З --ir нічого не викликається: записані відповіді дістає те, що питає те саме, а де відповіді бракує, там зупинка.

cmd-debug = Пройти записаний запуск або репетицію крок за кроком, вперед і назад
    .run = Запуск: його ідентифікатор, однозначна частина ідентифікатора або last; з --rehearse — потік
    .rehearse = Пройти репетицію потоку: прохід із вигаданими відповідями
    .oracle = Число або слово, з якого випливають вигадані відповіді [типово: 1]
    .file = Пройти експортовану історію, без сховища
    .ir = Потік експортованої історії: схема, псевдокод або підписаний IR
    .tools = Тека з додатковими інструментами (*.wasm)
    .id = Ідентифікатор потоку [типово: назва файлу]
    .flow-version = Версія потоку [типово: 0.0.0]
    .limit = Скільки може використати запуск потоку, наприклад max_steps=1000; можна повторювати
    .prose = Що робити з текстом, який не є інструкцією: error (помилка), llm (виконає або відповість LLM), human (людина) [типово: error]
    .opaque = Вважати таким текстом усе, що написано в іконах, навіть якщо воно розбирається; для LLM, якщо --prose не каже інакше
    .examples =
        bloom debug last
        bloom debug flow.drakon --rehearse
        printf 'зупинка 14\nпродовжити\nпоказати нотатки\n' | bloom debug last

        Команди — це рядки: далі, назад, крок, подія 7, зупинка 14, продовжити, показати size(нотатки), змінні, події, допомога, вийти.

cmd-fork = Відгалузити запуск: почати інший, який має з ним спільну історію до певної події й продовжує звідти
    .run = Його ідентифікатор, однозначна частина ідентифікатора або last
    .at = Остання спільна подія
    .ir = Продовжити за цим потоком: схема, псевдокод, підписаний IR або потік зі сховища. Спільні події мають випливати і з нього
    .llm = Хто відповідає за вузли LLM [типово: той самий, що в запуску]
    .tools = Тека з додатковими інструментами (*.wasm) [типово: та сама, що в запуску]
    .notes = Тека, яку інструменти можуть читати як нотатки [типово: та сама, що в запуску]
    .context = Тека, яку інструменти можуть читати як контекст [типово: та сама, що в запуску]
    .flows = Тека з діаграмами, які можуть читати інструменти [типово: та сама, що в запуску]
    .memory = Тека з пам'яттю агентів [типово: та сама, що в запуску]
    .wait = Чекати, скільки чекає запуск: на час, сигнали й людей; інакше, щойно запуск лише чекає, команда завершиться з кодом 4
    .progress = Що тим часом повідомляти в стандартний потік помилок: auto, lines, json (рядок JSON на кожну записану подію), none [типово: auto]
    .id = Ідентифікатор потоку, названого в --ir [типово: назва файлу]
    .flow-version = Версія потоку, названого в --ir [типово: 0.0.0]
    .limit = Скільки може використати запуск потоку, названого в --ir, наприклад max_proposals=50; можна повторювати
    .prose = Що робити з текстом, який не є інструкцією: error (помилка), llm (виконає або відповість LLM), human (людина) [типово: error]
    .opaque = Вважати таким текстом усе, що написано в іконах, навіть якщо воно розбирається; для LLM, якщо --prose не каже інакше
    .server = URL сервера замість сховища цієї машини: запуск (повний ідентифікатор) — один із його запусків, а --ir — версія або хеш потоку на ньому
    .idempotency-key = Той самий ключ для того самого запуску й події дає те саме відгалуження, хоч скільки разів його просити
    .examples =
        bloom history last                              події за номерами
        bloom fork last --at 7                          решту спробувати ще раз
        bloom fork RUN --at 7 --server URL --wait       те саме на сервері
        bloom fork last --at 7 --ir corrected.drakon    продовжити за виправленою схемою

cmd-proposals = Переглядати, що запуски хочуть змінити, і вирішувати
    .examples =
        bloom proposals list
        bloom proposals approve 0b5c
        bloom proposals approve --action memory-update

cmd-proposals-list = Показати пропозиції, які чекають на рішення
    .run = Лише цього запуску
    .all = Також ті, про які вже вирішено, і ті, що повторюють інші

cmd-proposals-show = Показати пропозицію з її змістом
    .proposal = Її ідентифікатор або однозначна частина ідентифікатора

cmd-proposals-approve = Схвалити пропозиції; оновлення пам'яті застосовується відразу
    .proposals = Їхні ідентифікатори або однозначні частини ідентифікаторів
    .action = Усі, що чекають, із цією дією, наприклад memory-update
    .note = Чому
    .memory = Тека з пам'яттю агентів [типово: memory в теці даних]

cmd-proposals-reject = Відхилити пропозиції
    .proposals = Їхні ідентифікатори або однозначні частини ідентифікаторів
    .note = Чому

cmd-questions = Подивитися, про що запуски питають людей
    .examples =
        bloom questions list
        bloom questions show 0b5c
        bloom answer 0b5c true

cmd-questions-list = Перелічити питання, які чекають на відповідь
    .run = Лише цього запуску
    .all = Також ті, на які вже відповіли, і ті, на які відповідь більше не потрібна

cmd-questions-show = Показати питання і те, якою має бути відповідь
    .question = Його ідентифікатор або однозначна частина

cmd-answer = Відповісти на питання запуску; він піде далі, коли його продовжать
    .question = Ідентифікатор питання або однозначна частина
    .answer = Відповідь у форматі JSON, наприклад true, 7 чи "так"; якщо потрібен текст, лапки необов'язкові

cmd-signal = Повідомити запуску, що сталося те, на що він чекає
    .run = Ідентифікатор запуску, однозначна частина або last
    .name = Назва сигналу, як на схемі
    .value = Що надходить разом із сигналом, у форматі JSON [типово: null]
    .examples =
        bloom signal last archive
        bloom signal 0b5c payment 20

cmd-cancel = Завершити запуск разом із тими, на які він чекає
    .run = Ідентифікатор запуску, однозначна частина або last
    .note = Чому

cmd-tool = Писати, перевіряти, встановлювати й показувати інструменти, які можуть викликати потоки
    .tools = Тека встановлених інструментів [типово: components у теці даних]
    .examples =
        bloom tool                                  показати інструменти, які можуть викликати потоки
        bloom tool new word-count --lang rust       проєкт; також c, js, python, assemblyscript
        bloom tool build && bloom tool check        у його теці: компонент і те, що з ним не так
        bloom tool call . '{ "{" }"path": "bach.md"{ "}" }' --files notes=samples/notes
        bloom tool add                              встановити для потоків

cmd-tool-new = Створити проєкт інструмента з прикладом, тестами й пробними викликами
    .name = Назва інструмента в kebab-case, як-от word-count
    .lang = Мова: rust, c, js, python або assemblyscript
    .folder = Яку теку створити [типово: за назвою]
    .examples =
        bloom tool new word-count --lang rust
        bloom tool new word-count --lang python --folder tools/word-count

cmd-tool-build = Зібрати проєкт або зробити компонент із модуля від будь-якого компілятора
    .path = Тека проєкту або модуль (core module) [типово: .]
    .output = Куди записати компонент [типово: як сказано в проєкті; для модуля — НАЗВА.component.wasm]
    .stub-wasi = Підставити замість імпортів WASI preview 1 функції, які лише повертають помилку
    .examples =
        bloom tool build                            проєкт у цій теці, за його bloom-tool.toml
        bloom tool build module.wasm -o tool.wasm   те, що зробив компілятор

cmd-tool-check = Показати, що таке компонент і чого він просить, та зробити його пробні виклики
    .path = Тека проєкту або компонент [типово: .]
    .samples = Тека з пробними викликами [типово: як сказано в проєкті]
    .examples =
        bloom tool check
        bloom tool check other.wasm --samples samples
        bloom tool check --json

        Пробний виклик — це файл JSON: { "{" } "input": { "{" } … { "}" }, "output": … { "}" } або { "{" } "input": { "{" } … { "}" }, "failure": "код" { "}" }, і що надано:
        "files": { "{" } "notes": "ТЕКА" { "}" }, "config": { "{" } "КЛЮЧ": "ЗНАЧЕННЯ" { "}" }, "http": ["https://ВУЗОЛ МЕТОД…"].

cmd-tool-call = Викликати інструмент один раз у пісочниці; він має лише те, що надано тут
    .tool = Тека проєкту, компонент або назва встановленого інструмента, який має ще й надане в bloom.toml
    .input = Аргументи: об’єкт JSON, @ФАЙЛ або - для стандартного введення [типово: {"{}"}]
    .files = Тека, яку можна читати, за коренем, як-от notes=ТЕКА; можна повторювати
    .http = Вузол, до якого можна слати запити, як-от "https://api.example.org GET POST"; можна повторювати
    .set = Налаштування; його значення таємне й не має повертатися
    .set-public = Налаштування, яке можна бачити всім
    .tools = Тека встановлених інструментів [типово: components у теці даних]
    .agent = Чию пам’ять він бачить [типово: author]
    .timeout = Скільки секунд може тривати виклик [типово: 45]
    .examples =
        bloom tool call . '{ "{" }"path": "bach.md"{ "}" }' --files notes=samples/notes
        bloom tool call read-notes --files notes=~/notes --json
        bloom tool call weather.wasm '{ "{" }"city": "Львів"{ "}" }' --http https://api.example.org --set key=…

cmd-tool-watch = Збирати проєкт і робити його пробні виклики — зараз і після кожної зміни
    .path = Тека проєкту [типово: .]
    .examples =
        bloom tool watch

cmd-tool-bench = Виміряти, скільки тривають виклики інструмента на цій машині
    .tool = Тека проєкту, компонент або назва встановленого інструмента
    .input = Аргументи, як у bloom tool call [типово: {"{}"}]
    .calls = Скільки викликів [типово: 1000]
    .files = Тека, яку можна читати, за коренем, як-от notes=ТЕКА; можна повторювати
    .http = Вузол, до якого можна слати запити; можна повторювати
    .set = Налаштування; його значення таємне й не має повертатися
    .set-public = Налаштування, яке можна бачити всім
    .tools = Тека встановлених інструментів [типово: components у теці даних]
    .examples =
        bloom tool bench . '{ "{" }"path": "bach.md"{ "}" }' --files notes=samples/notes

cmd-tool-add = Встановити інструмент для потоків поруч із наявними
    .path = Тека проєкту або компонент [типово: .]
    .tools = Тека встановлених інструментів [типово: components у теці даних]
    .examples =
        bloom tool add
        bloom tool add word-count.wasm

cmd-tool-list = Показати інструменти, які можуть викликати потоки
    .tools = Тека встановлених інструментів [типово: components у теці даних]
    .examples =
        bloom tool list --json                      з маніфестами й дайджестами

cmd-tool-diff = Показати, що змінилося в інструменті між двома версіями і чи підходить він потокам далі
    .old = Компонент, тека проєкту або встановлений інструмент: NAME, NAME@VERSION, його дайджест або початок дайджесту
    .new = Друга версія, названа так само
    .tools = Тека встановлених інструментів [типово: components у теці даних]
    .examples =
        bloom tool diff word-count@0.1.0 ./word-count.wasm
        bloom tool diff old.wasm new.wasm --json

cmd-tool-grant = Надати інструментові вузли й налаштування в bloom.toml; коментарі там лишаються
    .tool = Назва інструмента
    .http = Вузол, до якого можна слати запити, як-от "https://api.example.org GET POST"; можна повторювати
    .header = Поле заголовка, яке додається до запитів до цих вузлів, як-от "authorization: Bearer {"{"}key{"}"}", з налаштуваннями у фігурних дужках; можна повторювати
    .address = Непублічна адреса, яку можуть мати ці вузли; можна повторювати
    .no-http = Вузол, до якого більше не можна, так, як він записаний у файлі
    .set = Налаштування, яке зберігається у файлі; його значення таємне й не має повертатися
    .set-public = Налаштування, яке можна бачити всім
    .set-env = Таємниця, що лежить у змінній середовища
    .set-file = Таємниця, що лежить у файлі
    .unset = Налаштування, яке треба прибрати
    .artifacts = Чиї артефакти можна читати: лише агента, який викликає (own), чи всіх агентів (all)
    .digest = Єдиний компонент, якого стосується надане: його дайджест або «installed» — той, що має цю назву зараз
    .any-digest = Надане стосується будь-якого компонента з цією назвою
    .tools = Тека встановлених інструментів [типово: components у теці даних]
    .examples =
        bloom tool grant weather --http "https://api.example.org GET" --set-env key=WEATHER_KEY
        bloom tool grant weather --http "https://api.example.org GET" --header "x-api-key: {"{"}key{"}"}" --digest installed

cmd-tool-remove = Прибрати встановлений інструмент, якщо жоден потік його не закріпив
    .tool = Його назва, НАЗВА@ВЕРСІЯ, дайджест або початок дайджесту
    .force = Навіть якщо його закріпили потоки: виконати їх більше не вдасться
    .tools = Тека встановлених інструментів [типово: components у теці даних]
    .examples =
        bloom tool remove word-count@0.1.0

cmd-audit = Читати журнал того, хто що зробив, і доводити його цілість

cmd-audit-list = Показати його останні записи
    .limit = Не більше ніж стільки, до 1000 [типово: 50]
    .server = URL сервера замість сховища цієї машини

cmd-audit-export = Надрукувати журнал у форматі JSON Lines, щоб зберегти чи перевірити його деінде
    .from = Від запису з цим номером [типово: 1]
    .server = URL сервера замість сховища цієї машини

cmd-audit-checkpoint = Надрукувати підписаний теперішній стан журналу, щоб зберегти його деінде
    .server = URL сервера замість сховища цієї машини
    .examples =
        bloom audit checkpoint > audit.checkpoint.json      підписано ключем audit цієї машини (bloom keys list)

cmd-audit-verify = Перевірити, що в ньому нічого не змінено й не вилучено
    .file = Експортований журнал; без нього — журнал сховища
    .checkpoint = Контрольна точка, взята раніше: тоді видно й те, що записи відрізано або журнал переписано заново
    .key = Чиєю вона має бути: публічний ключ або файл із ним [типово: ключ цієї машини]
    .server = URL сервера замість сховища цієї машини
    .examples =
        bloom audit verify
        bloom audit export --server http://127.0.0.1:5000 > audit.jsonl
        bloom audit verify audit.jsonl              без сервера і без сховища
        bloom audit verify audit.jsonl --checkpoint audit.checkpoint.json --key ed25519:…

cmd-db = Дбати про сховище цієї машини як ціле

cmd-db-check = Перевірити, що в ньому немає суперечностей: у записах, покажчиках, історіях, журналі
    .examples =
        bloom db check
        bloom --data /var/lib/bloom db check        поки його не тримає відкритим жоден сервер

cmd-db-backup = Скопіювати його файл, поки його не тримає відкритим жоден сервер, і перевірити, що копія ціла
    .file = Новий файл
    .examples =
        bloom db backup /backup/bloom-2026-11-21.redb
        cp /backup/bloom-2026-11-21.redb DATA/bloom.redb      повертає її, поки ніщо не працює

cmd-db-compact = Повернути дискові місце, яке сховищу не потрібне
    .examples =
        bloom db compact

cmd-db-export = Записати все, що в ньому є, як JSON Lines
    .file = Новий файл; - означає стандартний вивід
    .examples =
        bloom db export store.jsonl
        bloom db export - | gzip > store.jsonl.gz

cmd-db-import = Створити з експорту сховище порожньої теки даних
    .file = Експорт, стиснений gzip чи ні; - означає стандартний ввід
    .examples =
        bloom --data new db import store.jsonl.gz

cmd-db-archive = Перенести давно завершені запуски до файлу, з якого їх можна повернути
    .file = Новий файл: JSON Lines, стиснені gzip
    .older-than = Як давно вони мали завершитися: 90d, 12h, 6 months
    .dry-run = Лише сказати, що буде перенесено
    .examples =
        bloom db archive --older-than 90d --dry-run
        bloom db archive --older-than 90d runs-2026-11.jsonl.gz && bloom db compact

cmd-db-restore = Повернути запуски з архіву
    .file = Архів
    .examples =
        bloom db restore runs-2026-11.jsonl.gz

cmd-serve = Надавати потоки й запуски через HTTP і дбати про всі запуски сховища
    .listen = Адреса й порт [типово: server.listen, інакше 127.0.0.1:5000]
    .workers = Скільки завдань LLM виконує цей процес одночасно; 0 — жодного [типово: server.workers, інакше 1]
    .insecure = Приймати з'єднання ззовні й без ключа
    .web = Тека зібраного вебклієнта з файлом index.html, який показувати замість власних сторінок сервера [типово: server.web]
    .examples =
        bloom serve                                         на http://127.0.0.1:5000; опис API — на /docs
        RUNTIME_API_KEY=… bloom serve --listen 0.0.0.0:5000

cmd-worker = Виконувати завдання LLM для сервера, що працює деінде
    .server = Сервер [типово: worker.server, інакше http://127.0.0.1:5000]
    .name = Ім'я, за яким сервер упізнає цього виконавця [типово: worker.name, інакше ім'я машини]
    .slots = Скільки завдань виконувати одночасно, від 1 до 32 [типово: worker.slots, інакше 1]
    .labels = Позначка, якої завдання можуть вимагати як label:НАЗВА; можна повторювати
    .llm = Хто відповідає: claude, command:ПРОГРАМА, scripted:ФАЙЛ або auto:ФАЙЛ [типово: run.llm, інакше claude]
    .examples =
        RUNTIME_API_KEY=… bloom worker --server http://10.0.0.2:5000
        bloom worker --slots 4 --label fast

cmd-service = Надрукувати те, що потрібно менеджеру служб для запуску сервера або виконавця
    .manager = systemd (юніт) або openrc (скрипт)
    .command = Що запускати: serve або worker [типово: serve]
    .user = Від чийого імені [типово: bloom]
    .program = Де встановлено bloom [типово: /usr/local/bin/bloom]
    .examples =
        bloom --data /var/lib/bloom service systemd > /etc/systemd/system/bloom.service
        bloom --data /var/lib/bloom service openrc > /etc/init.d/bloom

        Секрети — у файлі /etc/bloom/environment (RUNTIME_API_KEY=…), який може читати лише root.

cmd-config = Налаштування: що кажуть файл bloom.toml, змінні середовища та параметри
    .examples =
        bloom config show           кожне налаштування з його значенням і походженням
cmd-config-show = Кожне налаштування з його значенням і походженням; секрети приховано

cmd-completions = Надрукувати скрипт автодоповнення для оболонки
    .shell = bash, elvish, fish, powershell або zsh
    .examples =
        bloom completions bash > ~/.local/share/bash-completion/completions/bloom

## Хибні аргументи

usage-unknown-argument = тут немає аргументу { $argument }
usage-unknown-command = немає команди { $command }
usage-missing-command = бракує команди
usage-missing-argument = бракує: { $argument }
usage-missing-value = { $argument } потребує значення
usage-one-of = { $argument } не може мати значення { $value }; можливі: { $values }
usage-bad-value-because = { $argument } не може мати значення { $value }: { $reason }
usage-conflict = { $argument } і { $other } несумісні
usage-near = можливо, малося на увазі { $near }?
usage-see-help = Див. --help.

## Сервер

serve-listening = Сервер слухає на { $url } (опис API: { $url }/docs). Ctrl-C зупинить його; запуски продовжаться після наступного старту.
serve-stopped = Сервер зупинено; те, що виконувалося, продовжиться після наступного старту.
serve-cannot-listen = не вдалося слухати на { $address }
serve-no-client = { $path } — не тека вебклієнта: у ній немає index.html
serve-open-to-all = без ключа сервер на { $address } впускав би кожного
serve-open-to-all-hint = задайте server.api_key (або RUNTIME_API_KEY), слухайте на 127.0.0.1 або вкажіть --insecure, якщо можна кожному
serve-bad-url = server.public_url — не адреса сервера: { $url }
serve-bad-network = у server.trusted_proxies є { $network }, а це не мережа
serve-not-honoured = задано { $name }, але ця версія ще не вміє того, чого вона вимагає
serve-not-honoured-hint = приберіть цю змінну або візьміть версію, яка це вміє; перелік таких назв — у docs/configuration.md
serve-no-llm = За вузли LLM тут ніхто не відповідає: { $reason }. Запуски, яким потрібна відповідь, чекатимуть.

## Виконавці

worker-works = Виконавець { $name } працює для { $server }; завдань одночасно: { $slots }. Ctrl-C зупинить його: спершу він закінчить розпочате.
worker-draining = Нових завдань не беремо, розпочате доводимо до кінця. Ще раз — і його буде повернуто негайно.
worker-stopped = Виконавця зупинено; незакінчених завдань у нього немає.
worker-no-llm = цей виконавець нічого не зміг би зробити: { $reason }
worker-only-flows = Тут виконуються цілі запуски, але за вузли LLM ніхто не відповідає: { $reason }
worker-no-name = ця машина не має імені: дайте його виконавцеві через --name
worker-bad-url = { $url } — не адреса сервера на зразок http://127.0.0.1:5000
worker-bad-key = ключ виконавця містить знаки, яких у ключах не буває: перевірте worker.key
worker-refused = сервер не впускає цього виконавця
worker-refused-hint = дайте йому ключ сервера: worker.key у bloom.toml або RUNTIME_API_KEY
worker-failed = працювати для цього сервера неможливо
worker-failed-hint = перевірте, чи це адреса сервера bloom тієї самої версії

## Налаштування

config-default = типове
config-file = Налаштування прочитано з { $path }
config-no-file = Файлу bloom.toml немає; що можна налаштувати, сказано в docs/configuration.md
config-bad-value = { $key } не може мати такого значення ({ $origin })
config-unknown-key = { $place }: налаштування { $key } немає
config-unknown-variable = для змінної середовища { $name } немає налаштування
config-not-toml = { $place }: це не TOML: { $reason }
config-writable = { $path } можуть змінювати інші, тому ці налаштування не використано
config-writable-hint = заберіть в інших право записувати цей файл або назвіть його в --config
artifacts-incomplete = artifacts.place — це s3, а { $key } не задано
artifacts-unused = { $key } задано, але artifacts.place — не s3
artifacts-bad-endpoint = artifacts.endpoint { $endpoint } — це ні назва вузла, ні адреса з http чи https
artifacts-endpoint-differs = artifacts.endpoint { $endpoint } і { $key } суперечать одне одному
artifacts-unfit = кошик { $bucket } на { $endpoint } непридатний для артефактів
artifacts-refused = { $endpoint } не приймає ключ до кошика { $bucket } або цей ключ не дає там читати й писати
artifacts-missing = на { $endpoint } немає кошика { $bucket }
artifacts-unreachable = { $endpoint }, куди мають потрапляти артефакти, не відповідає так, як S3-сумісне сховище
artifacts-hint = див. [artifacts] у docs/configuration.md; `bloom config show` показує, що і де задано
telemetry-bad-endpoint = telemetry.otlp_endpoint { $endpoint } — не адреса збирача на кшталт http://127.0.0.1:4318
config-secret-empty = { $key } — порожнє значення
column-setting = НАЛАШТУВАННЯ
column-value = ЗНАЧЕННЯ
column-origin = ЗВІДКИ

## Файли й тека даних

cannot-read = не вдалося прочитати { $path }
cannot-write = не вдалося записати { $path }
not-a-folder = { $path } — не тека
data-no-home = немає теки даних: вкажіть її через --data, BLOOM_DATA або HOME
data-cannot-create = не вдалося створити теку даних { $path }
data-readable = Теку даних { $path } можуть прочитати інші (права { $mode }). Заберіть зайві права: chmod 700 { $path }
store-failed = сховище не змогло цього виконати
store-unavailable = зараз це неможливо: { $what }
store-full = диск заповнено: того, що треба було записати, може не бути
store-full-hint = звільніть місце на диску з текою даних і повторіть; запуски підуть далі з того, що про них записано
store-read-only = у теку даних не можна писати
store-read-only-hint = подбайте, щоб її диск було змонтовано для запису, а її файли належали вам, і повторіть
db-sound = Суперечностей немає (запусків: { $runs }, подій: { $events }, записів журналу: { $entries }, рядків: { $rows }).
db-broken = сховище суперечить саме собі (помилок: { $count })
db-size = Розмір файлу в байтах: { $bytes }; на одну подію припадає { $each }.
db-size-empty = Розмір файлу в байтах: { $bytes }.
db-backed-up = Скопійовано до { $path } (байтів: { $bytes }).
db-compacted = Розмір файлу в байтах: був { $before }, тепер { $after }.
db-exported = Експортовано до { $path } (записів: { $records }, з них запусків: { $runs }, подій: { $events }).
db-imported = Імпортовано (записів: { $records }, з них запусків: { $runs }, подій: { $events }).
db-archived = Перенесено до { $path } (запусків: { $runs }, подій: { $events }).
db-would-archive = Завершилися до { $before }, і їх можна перенести (запусків: { $runs }, подій: { $events }).
db-nothing-to-archive = Немає запусків, які завершилися до { $before } і які можна перенести.
db-kept-proposals = Залишаються, бо їхні пропозиції ще відкриті: { $count }
db-kept-artifacts = Залишаються, бо видали артефакти: { $count }
db-kept-held = Залишаються, бо хтось тримає їхні завдання: { $count }
db-kept-linked = Залишаються, бо пов'язані із запусками, які залишаються: { $count }
db-restored = Повернуто (запусків: { $restored }; уже були на місці: { $there }).
db-bad-age = { $age } — це не вік
db-bad-age-hint = укажіть число з одиницею, наприклад 90d, 12h або 6 months
db-no-store = сховища немає: { $path }
db-no-store-hint = вкажіть теку даних, у якій воно лежить, через --data або BLOOM_DATA
db-file-there = { $path } уже є, а наявне не перезаписується
db-foreign = { $path } — не експорт і не архів сховища
db-is-archive = { $path } — архів запусків, а не експорт сховища
db-is-archive-hint = поверніть його запуски: bloom db restore
db-is-export = { $path } — експорт сховища, а не архів запусків
db-is-export-hint = створіть із нього нове сховище: bloom --data DIR db import
db-newer = { $path } записав новіший bloom (рядок { $line }: { $kind }, версія { $version })
db-truncated = { $path } обірвано: він закінчується після рядка { $line }
db-changed = { $path } не такий, яким його записано: рядок { $line }: { $what }
db-not-empty = сховище не порожнє, а імпорт створює нове
db-not-empty-hint = вкажіть нову теку даних через --data; запуски з архіву повертає bloom db restore
db-contradiction = те, що є в { $path }, суперечить саме собі (помилок: { $count }): { $first }
db-other-run = у сховищі є інший запуск { $run }
db-unfit = запуск { $run } неможливо повернути: { $what }
db-unchanged-hint = нічого не змінено
store-locked = сховище { $path } зайняте: { $holder }
store-locked-hint = дочекайтеся, поки той процес завершиться, або вкажіть іншу теку даних через --data; якщо це bloom serve, звертайтеся до нього через --server
store-damaged = сховище пошкоджено: { $what }
store-damaged-hint = збережіть копію теки даних такою, як вона є; потім поверніть резервну копію її bloom.redb або почніть заново в іншій теці через --data
store-too-new = сховище { $path } записав новіший bloom (версія схеми { $found }; цей читає до { $supported })
tools-failed = не вдалося завантажити інструменти
tool-rejected = Інструмент { $origin } пропущено: { $reason }

## Ключі й довіра

key-missing = на цій машині немає ключа { $name }
key-missing-hint = створіть його: bloom keys new { $name }
key-exists = ключ { $name } уже є; його не змінено
key-bad-name = { $name } не годиться як назва ключа: вживайте латинські літери, цифри, - _ .
key-no-randomness = система не дала випадкових чисел
key-malformed = { $path } — не приватний ключ
key-readable = приватний ключ { $path } можуть прочитати інші (права { $mode })
key-readable-hint = якщо його ще ніхто не прочитав, заберіть зайві права: chmod 600 { $path }
key-unreadable = { $key } — не публічний ключ, не файл із ним і не ключ цієї машини
key-made = Створено ключ { $name } ({ $id }). Щоб ця машина виконувала підписане ним: bloom keys trust { $name }
key-trusted = Відтепер ключу { $name } ({ $id }) довіряють.
trust-malformed = список довіри { $path } неможливо зрозуміти

## Відмови

refused = { $name }: відмовлено. Причина: { $reason }
refused-own-hint = це ваш власний ключ; довіртеся йому: bloom keys trust { $key }
refused-trust-hint = якщо ви знаєте того, хто підписав, довіртеся його ключу: bloom keys trust КЛЮЧ
refused-unsigned-hint = якщо він ваш, підпишіть його: bloom compile ФАЙЛ -o ПІДПИСАНИЙ
refused-changed-hint = документ змінено після підписання: отримайте його ще раз від автора або скомпілюйте знову
refused-malformed = { $count ->
    [one] це не справний документ IR: { $problems }
    [few] це не справний документ IR ({ $count } помилки): { $problems }
   *[many] це не справний документ IR ({ $count } помилок): { $problems }
}
refused-no-signature = на документі немає підпису
refused-hash = його зміст має хеш { $computed }, а в ньому записано { $stated }
refused-program = його програма має хеш { $computed }, а в ньому записано { $stated }
refused-not-pinned = запуск почався з { $pinned }, а це { $computed }
refused-signature = підпис ключем { $key } не сходиться
refused-not-trusted = його підписано ключами { $keys }, а ця машина не довіряє жодному з них
refused-distrusted = ключу { $key } ({ $name }) більше не довіряють
refused-expired = довіра до ключа { $key } ({ $name }) закінчилася { $at }
refused-policy = правило вимагає для { $flow } стільки підписів: { $asked } (ролі: { $roles }), а зараховано { $found }

## Компіляція та перевірка

flow-too-large = у { $path } { $bytes } байтів: це не схема
no-such-flow = немає ні файлу, ні збереженого потоку { $flow }
no-such-flow-hint = потоки сховища показує bloom flows
flow-conflict = { $id }@{ $version } уже зареєстровано з іншою програмою
flow-conflict-hint = дайте зміненій програмі нову версію: --flow-version
compile-failed = { $count ->
    [one] { $name } має { $count } помилку
    [few] { $name } має { $count } помилки
   *[many] { $name } має { $count } помилок
}
compile-not-over = { $path } уже є, і це не документ IR: файл лишено без змін
compile-not-over-hint = вкажіть інший файл або запишіть поверх нього через --force
compiled = Записано { $path }: { $nodes ->
    [one] { $nodes } вузол
    [few] { $nodes } вузли
   *[many] { $nodes } вузлів
}, { $hash }
compiled-callee = Поряд записано потік, який він викликає: { $path }
verified = { $flow }: документ цілий, підписано: { $signers }.
    { $hash }
check-sound = { $count ->
    [one] Помилок немає: { $count } файл.
    [few] Помилок немає: { $count } файли.
   *[many] Помилок немає: { $count } файлів.
}
check-errors = { $count ->
    [one] { $count } помилка.
    [few] { $count } помилки.
   *[many] { $count } помилок.
}

## Імпорт

imported = Записано { $path }
import-failed = { $count ->
    [one] { $name } не імпортовано: { $count } помилка
    [few] { $name } не імпортовано: { $count } помилки
   *[other] { $name } не імпортовано: { $count } помилок
}
import-not-over = { $path } уже є: його залишено як був
import-not-over-hint = назвіть іншу теку або запишіть поверх із --force
import-empty = у { $name } немає діаграм
import-native = { $name } — це JSON, як і діаграми BLOOM: перевірте його командою bloom check, імпортувати нічого не треба
import-no-database = { $name } — не файл DRAKON Editor: такі файли є базами даних SQLite
import-other = { $name } — база даних іншої програми: у ній немає таблиць diagrams та items, які має DRAKON Editor
import-damaged = { $name } — пошкоджена база даних: { $detail }

## Виконання

run-signed-new-key = Під час першого використання створено ключ розробки: { $id }
run-llm-claude = На вузли LLM відповідає Claude CLI ({ $version }).
run-rehearsal = Репетиція: Claude CLI тут недоступний ({ $reason }), тому вузли LLM отримують готові відповіді з { $file }.
run-llm-command = На вузли LLM відповідає { $program }.
run-not-logged-in = вхід не виконано
run-llm-human = На питання вузлів LLM відповідає людина: bloom questions list
llm-human-elsewhere = людей питає той, у кого запуски: задайте run.llm = "human" там, де працює bloom serve
run-scripted = Вузли LLM отримують готові відповіді з { $file }.
run-no-claude = потік звертається до LLM, а Claude CLI тут недоступний: { $reason }
run-no-claude-hint = встановіть claude й увійдіть або дайте відповіді через --llm command:ПРОГРАМА чи --llm scripted:ФАЙЛ
llm-no-program = { $program } — не програма, яку можна виконати
llm-bad = { $given } — не claude, не command:ПРОГРАМА, не scripted:ФАЙЛ, не auto:ФАЙЛ і не human
script-bad = сценарій { $path } непридатний
input-bad = вхідне { $given } — не НАЗВА=ЗНАЧЕННЯ
input-unknown = { $flow } не має вхідного { $name }
input-unknown-hint = його вхідні: { $names }
input-type = вхідне { $name } має бути типу { $kind }, а не { $given }
input-twice = вхідне { $name } задано двічі
inputs-too-large = у { $path } понад { $most } байтів: це не вхідні дані
inputs-bad = { $path } — не об'єкт JSON
run-flow = потік
run-waits = запуск поки що не може тривати далі
run-stopped = запуск зупинився
run-not-possible = потік неможливо виконати
inputs-do-not-fit = вхідні дані не такі, яких потребує потік
run-refused = у запуску відмовлено
run-refused-hint = надайте інструментам те, чого вони просять, у bloom.toml («bloom config show» показує, який файл читається), зі своїми значеннями:
run-refused-missing-hint = покладіть поряд документи потоків, які він викликає, — їх записує bloom compile ФАЙЛ -o ФАЙЛ; або один раз запустіть діаграми з цим каталогом даних
run-id = Запуск { $run }
run-interrupted = Перервано. Нічого із записаного не втрачено; продовжити: bloom run --resume { $run }
run-over = Запуск { $run } уже завершився, його стан: { $status }.
run-not-begun = Запуск { $run } ще не почався: він чекає своєї черги.
run-can-resume = Його можна продовжити: bloom run --resume { $run }
run-origin = від { $run }, на події { $seq }
run-cancelled = Запуск { $run } скасовано.
waits-time = Він чекає до { $time }.
waits-until = щонайдовше до { $time }
waits-signal = Він чекає на сигнал «{ $name }»: bloom signal { $run } { $name }
waits-question = Він чекає на відповідь на питання «{ $title }»: bloom answer { $id } JSON
signal-sent = Сигнал «{ $name }» записано.
signal-none = цей потік не чекає на сигнали, тож і на { $name } теж
signal-unknown = цей потік не чекає на сигнал { $name }
signal-unknown-hint = він чекає на: { $names }
signals-too-many = на цей запуск уже чекає забагато сигналів
payload-bad = це не JSON: { $value }
payload-bad-hint = тексти пишуться в лапках: '"так"'
payload-too-large = тут { $bytes } байтів; можна не більше ніж { $most }
payload-does-not-fit = це не те, про що питають: { $problems }
question-answered = Відповідь записано.
question-closed = питання { $id } має стан «{ $status }»: на відповідь ніхто не чекає
at-icon = в іконі { $item }
at-line = у рядку { $item }
run-failed = Невдача.
run-result = Результат:
error-after = { $found }; остання спроба не вдалася: { $last }
run-tokens = токенів: { $tokens } з { $limit }
run-cost = { $cost } USD
run-cost-of = { $cost } з { $limit } USD
run-next-proposals = Вирішіть щодо них: bloom proposals show ID, bloom proposals approve ID
run-next-replay = Доведіть цей запуск: bloom replay { $run }
event-started = { $flow }: початок
event-resumed = продовжено
event-forked = відгалужено на події { $seq } від
event-again = ще раз через { $after }
event-proposed = запропоновано
event-artifact = артефакт
event-event = подія
event-log = примітка
event-signal = сигнал
event-completed = Виконано.
event-failed = Невдача.
event-cancelled = Скасовано.
event-continued = Далі — запуск { $run }.

## Коди помилок запусків

code-wrong-type = операція або функція отримала значення не того типу
    .hint = погляньте на значення в іконі: bloom replay ЗАПУСК --until N їх покаже; перетворіть через int(), double() чи string()
code-missing-member = у словнику немає такого поля
    .hint = перевірте назву або спершу запитайте: has(x.name)
code-index-out-of-range = у списку немає елемента з таким номером
    .hint = спершу перевірте довжину: size(список)
code-overflow = ціле число стало завеликим
    .hint = цілі числа мають 64 біти; рахуйте з double()
code-division-by-zero = ділення цілого числа на нуль
    .hint = спершу перевірте, чи дільник не 0
code-duplicate-key = у словнику двічі той самий ключ
    .hint = дайте кожному полю власний ключ
code-invalid-argument = функція отримала значення, з яким не може працювати
    .hint = повідомлення каже, яке й чому; функції описано в docs/expressions.md
code-invalid-regex = шаблон не є придатним регулярним виразом
    .hint = виправте шаблон; зазирання й зворотні посилання не підтримуються
code-expression-steps = вираз обчислюється задовго
    .hint = поділіть роботу між іконами або беріть менше даних
code-expression-size = вираз утворює забагато тексту або значень
    .hint = поділіть роботу між іконами або беріть менше даних
code-expression-depth = вираз надто глибоко вкладає значення
    .hint = зробіть значення менш вкладеним
code-not-boolean = умова запитання — ні істина, ні хиба
    .hint = порівняйте з чимось: x == 1, довжина(x) > 0, x не порожнє
code-no-case = у виборі немає варіанта для цього значення і немає типового
    .hint = додайте варіант для нього або останній без тексту
code-not-iterable = цикл проходить по тому, що не є ні списком, ні словником
    .hint = дайте циклу список: split(текст, ","), keys(словник), [одне]
code-contract = значення не відповідає схемі, яку задає програма
    .hint = повідомлення називає місце у значенні; виправте вхідні дані, ікону або схему
code-failed = потік сам завершився помилкою без власного коду
    .hint = дивіться, що сказано в іконі
code-limit-steps = забагато ікон пройдено без відповіді інструмента чи LLM
    .hint = можливо, цикл нескінченний; якщо так задумано, підніміть обмеження: --limit max_steps=ЧИСЛО
    .found = вузлів пройдено після останнього записаного результату: { $measured }; обмеження: { $limit }
code-limit-tokens = виклики LLM у запуску витратили забагато токенів
    .hint = підніміть обмеження: --limit max_tokens=ЧИСЛО
    .found = запуск витратив токенів: { $measured }; обмеження: { $limit }
code-limit-cost = виклики LLM у цьому запуску коштують забагато
    .hint = збільште обмеження: --max-cost ДОЛАРИ
    .found = запуск коштував { $measured } USD; обмеження: { $limit } USD
code-limit-proposals = запуск робить більше пропозицій, ніж дозволено
    .hint = підніміть обмеження: --limit max_proposals=ЧИСЛО
    .found = це була б пропозиція № { $measured } у запуску; обмеження: { $limit }
code-limit-events = в історії запуску забагато подій
    .hint = підніміть обмеження: --limit max_events=ЧИСЛО
    .found = подій в історії було б { $measured }; обмеження: { $limit }
code-limit-time = запуск триває довше, ніж дозволено
    .hint = підніміть обмеження: --limit timeout_seconds=ЧИСЛО
    .found = запуск працював { $measured } с; обмеження: { $limit } с
code-limit-state = змінні запуску займають понад 64 МіБ
    .hint = зберігайте менше: лише потрібні поля; перезаписуйте те, що вже не потрібне
    .found = змінні зайняли б щонайменше { $measured } Б; обмеження: { $limit } Б
code-limit-result = інструмент, LLM або потік видали понад 64 МіБ за раз
    .hint = нехай видає менше за раз: частину, вибірку, стислий зміст
    .found = результат має щонайменше { $measured } Б; обмеження: { $limit } Б
code-limit-event = ікона запитує або видає понад 64 МіБ за раз
    .hint = передавайте менше за раз: беріть лише потрібні поля
    .found = за раз запитують або видають щонайменше { $measured } Б; обмеження: { $limit } Б
code-limit-depth = значення вкладено надто глибоко
    .hint = зробіть значення менш вкладеним
    .found = рівнів вкладення у значенні щонайменше { $measured }; обмеження: { $limit }
code-timeout = минув відведений час
    .hint = спробуйте ще раз або дайте більше часу: у тривалості біля ікони, інакше через --limit node_timeout_seconds=ЧИСЛО
code-limit-node-time = ікона з усіма спробами тривала довше, ніж дозволено
    .hint = дайте їй більше часу: --limit node_timeout_seconds=ЧИСЛО
    .found = вузол з усіма спробами й паузами триває { $measured } с; обмеження: { $limit } с
code-budget-exhausted = того, що лишилося від токенів чи коштів запуску, не вистачить на цей виклик
    .hint = збільште обмеження: --max-tokens ЧИСЛО або --max-cost ДОЛАРИ; або обробіть помилку в діаграмі (on_error)
    .found = { $of ->
            [tokens] запуск витратив токенів: { $used }, а цьому виклику може знадобитися ще { $needed }; обмеження: { $limit }
           *[other] запуск витратив { $used } USD, а цьому виклику може знадобитися ще { $needed } USD; обмеження: { $limit } USD
        }
code-cancelled = виклик зупинено разом із запуском
    .hint = запустіть знову, якщо це сталося випадково
code-outcome-unknown = невідомо, чи встиг інструмент виконати роботу до збою
    .hint = перевірте, чи виконано; тоді запустіть потік знову або задайте on_unknown для інструмента
code-not-duration = пауза або таймер отримали не тривалість
    .hint = тривалість — це кількість мілісекунд: 5 * 60 * 1000
code-not-time = пауза або таймер отримали не час
    .hint = час — це кількість мілісекунд Unix або текст на зразок 2026-11-21T08:30:00Z
code-no-timer = таймер, на який чекають, дорогою сюди не запущено
    .hint = запустіть таймер перед іконою, яка на нього чекає, у тій самій гілці
code-limit-flow-depth = потоки викликають один одного заглибоко
    .hint = можливо, потік без кінця викликає сам себе; поділіть роботу інакше
    .found = цей потік був би на рівні { $measured } під першим; обмеження: { $limit }
code-missing-flow = викликаного потоку немає у сховищі
    .hint = скомпілюйте той потік із тією самою текою даних і виконайте цей знову
code-untrusted-flow = потоку, який викликано або який має виконати виконавець, там не довіряють
    .hint = bloom keys показує, кому довіряє ця машина; підпишіть той потік таким ключем
code-refused-flow = потік, який викликано або який має виконати виконавець, там виконати не можна
    .hint = повідомлення каже, що цьому заважає
code-queue-full = забагато запусків викликаного потоку вже чекають своєї черги
    .hint = викличте його пізніше, чекайте на його кінець або попросіть збільшити limits.runs_queued
code-flow-not-executable = викликаний потік неможливо виконати
    .hint = скомпілюйте його знову цією версією
code-no-worker = потік запитує LLM, а відповідати нікому
    .hint = вкажіть, хто відповідає: --llm claude, --llm command:ПРОГРАМА, --llm scripted:ФАЙЛ
code-lease-expired = той, хто взяв завдання, не повернувся вчасно
    .hint = завдання пропонується знову; якщо це повторюється, перевірте виконавця
code-worker-error = виконавець повідомив, що не зміг виконати завдання
    .hint = причина — у його повідомленні; якщо це повторюється, перевірте виконавця
code-dispatch-failed = завдання не вдалося передати виконавцеві
    .hint = завдання пропонується знову; якщо це повторюється, причина — у журналах сервера й виконавця
code-result-refused = сервер не приймає того, що приніс виконавець
    .hint = причина — у повідомленні; перевірте, чи однакові версії в обох і чи результат не завеликий
code-invalid-output = відповідь не має потрібної форми
    .hint = просіть менше за раз, опишіть форму в запиті або послабте схему
code-quota = квоту постачальника вичерпано
    .hint = зачекайте на поновлення, тоді: bloom run --resume ЗАПУСК
code-overloaded = постачальник перевантажений
    .hint = спробуйте пізніше
code-not-logged-in = у програмі LLM не виконано вхід
    .hint = увійдіть у ній, тоді: bloom run --resume ЗАПУСК
code-refused = модель або її постачальник відмовилися відповідати
    .hint = змініть запит в іконі
code-prompt-too-long = запит довший, ніж приймає модель
    .hint = дайте менше тексту або іншу модель
code-executor-failed = програма LLM завершилася помилкою
    .hint = далі її повідомлення; спробуйте програму окремо
code-executor-missing = програму LLM не вдалося запустити
    .hint = встановіть її або вкажіть іншу: --llm
code-executor-panicked = у виконавці дефект
    .hint = повідомте про це разом із текстом помилки
code-invalid-schema = схема відповіді непридатна
    .hint = виправте схему відповіді вузла
code-session-unsupported = ікона потребує розмови, а виконавець її не веде
    .hint = візьміть --llm claude або вузол без сеансу
code-script-exhausted = серед готових відповідей немає відповіді на це запитання
    .hint = додайте відповідь для ікони та проходу, названих у повідомленні
code-unknown-tool = такого інструмента немає
    .hint = bloom tool list покаже наявні; --tools вказує теку з іншими
code-digest-mismatch = інструмент не той, з яким підписано потік
    .hint = встановіть той самий або скомпілюйте й підпишіть потік із цим
code-not-granted = інструмент просить того, на що не має дозволу
    .hint = надайте доступ: --notes ТЕКА, --context ТЕКА, --memory ТЕКА
code-invalid-agent = назва агента не може бути назвою теки пам'яті
    .hint = використовуйте літери, цифри, - та _
code-invalid-input = інструмент отримав аргументи, яких не дозволяє його схема
    .hint = схему показує bloom tool list --json; виправте аргументи в іконі
code-input-too-large = аргументи інструмента завеликі
    .hint = передавайте менше за раз
code-output-too-large = інструмент повернув більше, ніж запуск приймає за раз
    .hint = хай робить менше за раз: підтека, відбір, менше файлів
code-secret-returned = інструмент повернув одне зі своїх таємних налаштувань
    .hint = в інструменті дефект; нічого не записано
code-log-too-large = інструмент пише забагато в журнал
    .hint = в інструменті дефект, або йому дали забагато даних
code-out-of-fuel = інструмент обчислював задовго
    .hint = передавайте менше за раз
code-out-of-memory = інструмент попросив забагато пам'яті
    .hint = передавайте менше за раз
code-stack-overflow = виклики в інструменті надто вкладені
    .hint = в інструменті дефект, або йому дали надто вкладене значення
code-trap = інструмент аварійно зупинився
    .hint = в інструменті дефект; поза пісочницею нічого не змінено
code-not-started = інструмент не вдалося запустити
    .hint = його зібрано для іншого середовища або пошкоджено: зберіть знову
code-tool-failed = інструмент зазнав невдачі без придатного коду
    .hint = далі повідомлення самого інструмента
code-host-failed = збій середовища інструментів
    .hint = повідомте про це разом із текстом помилки
code-path-refused = шлях веде за межі теки або хибний
    .hint = використовуйте відносний шлях із простих назв: тека/нотатка.md
code-link-refused = трапилося символічне посилання, а інструменти за посиланнями не йдуть
    .hint = покладіть сам файл або приберіть посилання з теки
code-not-found = такого файла або теки немає
    .hint = перевірте назву
code-not-a-file = це не файл, який можна прочитати
    .hint = приберіть його з теки
code-file-too-large = файл більший, ніж може прочитати інструмент
    .hint = поділіть його або приберіть із теки
code-too-many-files = у теці більше файлів, ніж може перелічити інструмент
    .hint = поділіть теку або вкажіть підтеку
code-invalid-name = назва файла не в UTF-8
    .hint = перейменуйте файл
code-invalid-utf8 = файл не є текстом UTF-8
    .hint = збережіть його як UTF-8 або приберіть із теки
code-root-unreadable = вказану теку не вдалося прочитати
    .hint = перевірте, чи вона є і чи маєте право її читати
code-unreadable = файл не вдалося прочитати
    .hint = перевірте, чи маєте право його читати
code-address-refused = назва сервера веде на адресу, що не є публічною
    .hint = дозвольте саму адресу: addresses у розділі інструмента в bloom.toml
code-connection-failed = за адресою дозволеного сервера ніхто не відповідає
    .hint = перевірте, чи сервер працює і чи правильний порт
code-connection-lost = з'єднання обірвалося, перш ніж відповідь надійшла повністю
    .hint = перевірте стан сервера; якщо запит щось змінював — подивіться там, що саме зроблено
code-invalid-request = адресу, метод, заголовок або межу запиту не можна надіслати
    .hint = перевірте аргументи: адреса має бути повною, а заголовки оператора потік не задає
code-invalid-response = сервер відповів не за HTTP або не в очікуваній формі
    .hint = подивіться, що надсилає сервер; з format: "text" відповідь видно як є
code-name-not-resolved = для назви сервера немає адреси
    .hint = перевірте назву і мережу цієї машини
code-redirect-refused = сервер перенаправляє на інший сервер або перенаправляє без кінця
    .hint = запитайте адресу, на яку він веде, якщо той сервер дозволено
code-request-timeout = сервер не відповів вчасно
    .hint = спробуйте пізніше або попросіть менше
code-request-too-large = запит більший, ніж дозволено надсилати
    .hint = надсилайте менше або частинами
code-response-too-large = відповідь сервера більша, ніж дозволено отримувати
    .hint = попросіть менше або лише частину
code-tls-failed = сертифікату сервера немає довіри або він для іншої назви
    .hint = перевірте назву сервера, його сертифікат і годинник
code-too-many-requests = один виклик надіслав більше запитів, ніж дозволено
    .hint = нехай потік робить кілька викликів
code-invalid-config = налаштування інструмента не має потрібної форми
    .hint = перевірте config у розділі інструмента в bloom.toml
code-artifact-too-large = артефакт більший, ніж може взяти потік
    .hint = читайте менший
code-body-too-large = надіслане сервером більше, ніж може взяти потік
    .hint = попросіть у сервера менше або лише частину
code-diagram-too-large = опис діаграми більший, ніж може взяти потік
    .hint = поділіть діаграму
code-empty-query = пошук не має жодного слова
    .hint = дайте слова, які шукати
code-invalid-json = артефакт прочитано як JSON, а він не JSON
    .hint = читайте його з format: "text"
code-invalid-question = сервер NotebookLM відхилив питання
    .hint = перевірте питання і те, що каже сервер
code-nlm-failed = NotebookLM не впорався з питанням
    .hint = запитайте інакше або з іншими джерелами
code-nlm-unavailable = сервер NotebookLM недосяжний, запускається або перевантажений
    .hint = перевірте, чи сервер працює, і спробуйте пізніше
code-not-a-diagram = файл не є діаграмою .drakon
    .hint = вкажіть файл .drakon; з файлів DRAKON Editor їх робить bloom import
code-not-authorised = сервер вимагає іншого ключа
    .hint = задайте ключ у розділі інструмента в bloom.toml
code-not-ready = NotebookLM ще працює над питанням
    .hint = спробуйте пізніше: той самий запуск отримає відповідь
code-question-too-large = питання з контекстом більше, ніж приймає NotebookLM
    .hint = дайте менше контексту: разом із питанням 50 000 байтів
code-too-many-notes = нотаток більше, ніж вміщає один результат
    .hint = читайте частинами: limit і after
code-unavailable = зараз не можна переглянути те, що видали запуски
    .hint = спробуйте пізніше
code-changed-meanwhile = нотатка зникла, поки читалися нотатки
    .hint = запустіть потік знову
code-invalid-memory = пам'ять агента не має потрібної форми JSON
    .hint = повідомлення каже, де; виправте state.json або поверніть копію
code-invalid-note = пропозиція називає те, що не є нотаткою
    .hint = вкажіть slug: шлях у теці нотаток без .md
code-nothing-proposed = у пропозиції немає ні змісту, ні тегів, ні резюме
    .hint = перевірте значення, які передає ікона
code-no-tags = жоден тег пропозиції не має назви
    .hint = перевірте значення, які передає ікона

## Пошук

no-runs = запусків ще немає
no-such-run = немає запуску { $id }
no-such-proposal = немає пропозиції { $id }
no-such-question = немає питання { $id }
ambiguous = з { $id } починається або ним закінчується кілька ідентифікаторів: { $count }
ambiguous-hint = вкажіть більшу частину
no-proposals = Пропозицій немає.
proposals-hidden = { $count ->
    [one] Ще { $count } повторює одну з цих (її показує --all).
    [few] Ще { $count } повторюють ці (їх показує --all).
   *[many] Ще { $count } повторюють ці (їх показує --all).
}
repeats = повторює { $id }

## Пропозиції

proposal-duplicate = пропозиція { $id } повторює { $of }: вирішуйте щодо тієї
proposal-decided = пропозиція { $id } має стан «{ $status }»
proposal-expired = строк пропозиції { $id } минув: рішення приймалося до { $at }
approved-waits = Схвалено: { $action } для { $target }. Пропозиція лишається схваленою, доки її не застосовано.
applied = Застосовано: { $action } для { $target }
apply-finished = Застосовано після переривання: { $action } для { $target }
apply-failed = не вдалося застосувати { $action } для { $target }
apply-conflict-hint = виконайте потік ще раз, щоб отримати пропозицію для нинішньої пам'яті
approve-some = схвалено { $done } із { $count }; решту схвалити чи застосувати не вдалося, див. вище
approve-none = серед пропозицій, що чекають, немає дії { $action }
rejected = Відхилено: { $action } для { $target }
status-requested = запитано
status-queued = у черзі
status-running = виконується
status-waiting = чекає
status-open = відкрите
status-answered = є відповідь
status-closed = закрите
status-completed = виконано
status-failed = невдача
status-cancelled = скасовано
status-continued = продовжено іншим запуском
status-pending = чекає
status-auto-approved = схвалено правилом
status-approved = схвалено
status-rejected = відхилено
status-expired = протерміновано
status-applying = застосовується
status-applied = застосовано
status-proposal-failed = не вдалося

## Відтворення

replay-same = { $count ->
    [one] Запуск { $run } випливає зі своєї програми: { $count } подія збігається.
    [few] Запуск { $run } випливає зі своєї програми: усі { $count } події збігаються.
   *[many] Запуск { $run } випливає зі своєї програми: усі { $count } подій збігаються.
}
replay-unfinished = { $count ->
    [one] Запуск { $run } поки що випливає зі своєї програми: { $count } подія збігається; запуск не завершено.
    [few] Запуск { $run } поки що випливає зі своєї програми: { $count } події збігаються; запуск не завершено.
   *[many] Запуск { $run } поки що випливає зі своєї програми: { $count } подій збігаються; запуск не завершено.
}
replay-stopped = { $count ->
    [one] Запуск { $run } після { $count } події, яка збігається:
   *[many] Запуск { $run } після { $count } подій, які збігаються:
}
replay-broken = Історію запуску { $run } змінено: { $reason }
replay-other = Запуск { $run } зробив інший IR: { $recorded }, а не { $given }.
replay-misplaced = Історія запуску { $run } не по порядку: події { $seq } тут бути не може.
replay-erased = Вміст події { $seq } запуску { $run } стерто, а подальше від нього залежить.
replay-diverged = Запуск { $run } не випливає зі своєї програми.
replay-unlinked = Запуск { $run } випливає зі своєї програми, але він і запуск { $other } не продовжують один одного: { $reason }.
link-not-named = попередній запуск не називає наступного
link-other-head = наступний запуск не називає останньої події попереднього
link-diverged = історія попереднього запуску не узгоджується з програмою
link-other-state = наступний запуск починається з іншого стану, ніж той, яким закінчився попередній
replay-cut-off = Історія обривається: останній хеш, який знає сховище, — { $head }.
replay-empty = у { $path } немає жодної події
replay-bad-history = { $path } — не експортована історія
replay-at = подія { $seq } відрізняється ({ $what }) у { $path }
differs-start = початок
differs-kind = вид
differs-request = запит
differs-emission = видане назовні
differs-end = кінець
differs-state = кінцевий стан
replay-icon = ікона { $item }: { $text }
replay-recorded = записано:
replay-replayed = відтворено:
replay-now = тепер:
what-if-no-runs = запусків потоку { $flow } немає
what-if-no-runs-hint = назвіть запуски або потік: їх перелічує bloom runs; --id каже, під яким ідентифікатором записано запуски схеми
what-if-summary = { $count ->
    [one] Інакше було б у { $diverged } з { $count } запуску.
   *[many] Інакше було б у { $diverged } з { $count } запусків.
}
what-if-same = так само
what-if-other-way = іде іншим шляхом
what-if-no-answer = питає те, на що немає відповіді
what-if-other-effects = має інші ефекти
what-if-other-end = завершується інакше
what-if-other-proposals = пропонує інше
what-if-refused = не приймає вхідних даних
what-if-unreadable = не читається
what-if-endless = обчислює без кінця
what-if-after = після події { $seq }:
what-if-end = кінець
what-if-parting = звідси йде іншим шляхом
what-if-new = нове, записаного результату немає: { $what }, { $place }
what-if-new-passed = нове, результат не потрібен: { $what }, { $place }
what-if-unused = більше не питає, результат події { $seq } не використано: { $what }, { $place }
what-if-different = питає інше ({ $path }): { $what }, { $place }
what-if-added = видає додатково: { $what }, { $place }
what-if-lost = більше не видає: { $what }, { $place }
what-if-changed = видає інше: { $what }, { $place }
what-if-ends = завершується інакше
what-if-no-end = не завершено
what-if-stopped = тут зупинка: потрібної відповіді не записано
what-if-waits = чекає там, де записаний запуск ішов далі
what-if-inputs = вхідні дані не підходять: { $reason }
what-if-bad-event = подія { $seq }: { $reason }

## Покроково

debug-hello = Що можна зробити, каже «допомога»; порожній рядок повторює останній рух.
debug-at = подія { $seq } з { $count }, крок { $step }
debug-at-step = крок { $step }
debug-branch = у гілці { $path }
debug-next-event = далі: подія { $seq }, { $kind }
debug-more = … ще { $count }
debug-end = Кінець.
debug-at-start = Це початок.
debug-at-end = Це кінець.
debug-fault = Далі йти за історією не можна: { $reason }
debug-break-here = точка зупинки
debug-no-breaks = Точок зупинки немає.
debug-no-break = на іконі { $item } точки зупинки немає
debug-no-icon = немає ікони з таким номером або текстом: { $what }
debug-no-event = події { $seq } немає; остання — { $count }
debug-no-changes = Нічого не змінилося.
debug-no-value = значення немає: { $reason }
debug-computes-nothing = Репетиція нічого не обчислює: у неї немає ні змінних, ні подій.
debug-unknown = немає команди { $word }; наберіть «допомога»
debug-needs = команді { $word } чогось бракує або потрібне число; наберіть «допомога»
debug-help =
    далі [N]             наступна ікона                               (д)
    назад [N]            попередня ікона                              (н)
    крок [N]             наступна інструкція або подія                (к)
    крок-назад [N]       на один крок назад                           (кн)
    подія N              до миті після події N                        (e)
    продовжити           далі до точки зупинки або до кінця           (п)
    відмотати            назад до точки зупинки або до початку        (в)
    зупинка ІКОНА|ТЕКСТ  зупинятися на іконі: за номером або текстом  (з)
    зупинки              точки зупинки
    прибрати ІКОНА       прибрати точку зупинки                       (del)
    показати ВИРАЗ       змінна або вираз                             (p)
    змінні               усі змінні та вхідні дані                    (зм)
    зміни                що змінив останній рух                       (ch)
    де                   ця ікона серед сусідніх                      (w)
    ікони                усі ікони                                    (i)
    події [усі]          події довкола або всі                        (ev)
    стан                 увесь стан у JSON
    вийти                або Ctrl-D                                   (q)
    Порожній рядок повторює останній рух.

## Відгалуження

fork-point = запуск { $run } не має події { $at }, від якої можна відгалузитися
fork-point-hint = назвіть --at від 1 до { $most }; кінець запуску, якщо він завершився, спільним бути не може
fork-differs = за іншою програмою запуск { $run } не дійшов би до події { $at }
fork-differs-hint = відгалузьтеся раніше або подивіться, де вони розходяться: bloom replay { $run } --ir

## Журнал

audit-sound = { $count ->
    [one] Журнал цілий: { $count } запис, голова { $head }.
    [few] Журнал цілий: { $count } записи, голова { $head }.
   *[many] Журнал цілий: { $count } записів, голова { $head }.
}
audit-empty = Журнал порожній.
audit-bad-checkpoint = це не контрольна точка журналу, або її підписав інший ключ
audit-signed = У ньому є все, що було під час підпису ключем { $key } ({ $count ->
    [one] { $count } запис
    [few] { $count } записи
   *[many] { $count } записів
}).
audit-signed-by-whom = У ньому є всі записи контрольної точки ({ $count }); чий на ній підпис, не перевірено: вкажіть ключ через --key.
audit-broken = журнал змінено: запис { $seq } не продовжує попереднього

## Сервери

server-bad-url = { $url } — не URL сервера; він має бути таким, як http://127.0.0.1:5000
server-bad-key = client.api_key містить знаки, яких у ключах не буває
server-gone = сервер { $url } недоступний або перервав зв'язок
server-garbled = сервер { $url } відповів щось незрозуміле
server-refused = сервер відповів { $status }: { $message }
server-needs-key = запишіть ключ сервера у client.api_key файлу bloom.toml або у змінну BLOOM_CLIENT_API_KEY
tls-key-exposed = Ключ передається на { $url } незашифрованим, і кожен на цьому шляху може його прочитати. Дайте серверу сертифікат (server.tls_certificate) і пишіть https://.
tls-bad-ca = { $setting } вказує на { $path }, а сертифікати звідти непридатні
tls-untrusted = за сертифікат { $url } не ручається ніхто, кому тут довіряють
tls-untrusted-hint = якщо цей сертифікат або того, хто його підписав, ви знаєте, вкажіть його файл PEM у { $setting }; інакше перевірте терміни сертифіката і годинник цієї машини
tls-wrong-name = { $url } показує сертифікат, виданий на інше ім'я
tls-wrong-name-hint = звертайтеся до сервера за іменем із сертифіката або замовте сертифікат, у якому є й це ім'я
tls-not-spoken = { $url } не підтримує TLS
tls-not-spoken-hint = пишіть http://, якщо сервер не має сертифіката, але лише там, де ніхто не підслухає; або дайте йому сертифікат (server.tls_certificate)
tls-wanted = { $url } відповідає не за протоколом HTTP
tls-wanted-hint = якщо сервер має сертифікат, пишіть https://
tls-failed = зашифроване з'єднання з { $url } не встановлюється
tls-failed-hint = сервер має підтримувати TLS 1.2 або 1.3 і не вимагати сертифіката від того, хто до нього звертається
flow-published = Опубліковано { $id }@{ $version } ({ $hash }).
run-there = Запуск { $run }: { $status }.
no-such-task = завдання { $id } немає
task-requeued = Завдання { $id } знову в черзі.
task-not-requeued = завдання { $id } не можна повернути в чергу
no-such-worker = виконавця { $id } немає
worker-removed = Виконавця { $id } вилучено.
owner-password = Пароль для { $name }:{" "}
owner-password-again = Те саме ще раз:{" "}
owner-passwords-differ = паролі не збігаються
owner-bad-name = «{ $name }» не може бути іменем: в імені від 1 до 64 знаків, без керівних
owner-password-short = у паролі щонайменше { $count } знаків
owner-password-long = у паролі щонайбільше { $count } байтів
owner-no-password = на стандартному вводі немає пароля
owner-no-terminal = не вдалося прочитати пароль із термінала
owner-set = Пароль для { $name } задано. Відкриті сеанси закінчено.
owner-removed = Власника { $name } вилучено. Відкриті сеанси закінчено.
no-such-owner = власника { $name } немає
worker-bad-name = { $name } не може бути назвою виконавця
worker-key-made = Це ключ { $id } виконавця { $worker }. Більше його не буде показано.
worker-enroll-made = З цим токеном одна машина стане вузлом { $worker }: один раз, до { $until }. Більше його не буде показано.
worker-key-revoked = Ключ { $id } відкликано.
worker-key-not-revoked = ключ { $id } не можна відкликати
service-odd-name = { $name } містить знаки, які менеджери служб читають по-своєму; назвіть це лише літерами, цифрами та . _ + - @
serve-half-tls = server.tls_certificate і server.tls_key задаються разом
serve-bad-tls = сертифікат із server.tls_certificate непридатний
status-leased = видано
status-dead = покинуто
status-online = на зв'язку
status-offline = не на зв'язку
status-syncing = синхронізується
status-error = несправний
status-unknown = невідомо
status-not-logged-in = вхід не виконано
status-no-quota = квоту вичерпано

## Стовпці

column-attempts = СПРОБИ
column-heard = ВОСТАННЄ НА ЗВ'ЯЗКУ
column-holds = ТРИМАЄ
column-provides = НАДАЄ
column-revoked = ВІДКЛИКАНО
column-task = ЗАВДАННЯ
column-worker = ВИКОНАВЕЦЬ
column-action = ДІЯ
column-actor = ХТО
column-agent = АГЕНТ
column-applied = РЕЗУЛЬТАТ
column-by-other = ЗА ІНШИМ
column-answer = ВІДПОВІДЬ
column-answered = ВІДПОВІЛИ
column-capabilities = ПРОСИТЬ
column-decided = ВИРІШЕНО
column-description = ОПИС
column-effect = ВПЛИВ
column-entity = ЩОДО ЧОГО
column-events = ПОДІЇ
column-expires = ДІЄ ДО
column-flow = ПОТІК
column-hash = ХЕШ
column-inputs = ВХІДНІ
column-key = КЛЮЧ
column-owner = ВЛАСНИК
column-password-set = ПАРОЛЬ ЗАДАНО
column-set-by = КИМ
column-made = СТВОРЕНО
column-name = НАЗВА
column-fork-of = ВІДГАЛУЖЕНО
column-proposal = ПРОПОЗИЦІЯ
column-question = ПИТАННЯ
column-repeats = ПОВТОРЮЄ
column-roles = РОЛІ
column-run = ЗАПУСК
column-signs = ВЛАСНИЙ
column-started = ПОЧАТО
column-status = СТАН
column-stored = ЗБЕРЕЖЕНО
column-target = ДЛЯ
column-time = ЧАС
column-title = НАЗВА
column-tokens = ТОКЕНИ
column-used = ВИКОРИСТАНО
column-continues = ПРОДОВЖУЄ
column-continued-by = ПРОДОВЖЕНО
column-tool = ІНСТРУМЕНТ
column-trusted = ДОВІРА
column-updated = ОНОВЛЕНО
column-where = ДЕ

## Обмеження

limit-bad = обмеження { $given } — не НАЗВА=ЗНАЧЕННЯ
limit-unknown = немає обмеження { $name }
limit-not-a-number = обмеження { $name } має бути цілим числом, не меншим за { $least }, а не { $value }
limit-too-large = обмеження завелике: час і max_proposals — щонайбільше { $most }
limit-hint = обмеження, які діють без --limit: { $known }
limit-of-signed = обмеження { $name } — частина підписаної програми: тут їх можна лише зменшити
limit-not-money = --max-cost { $value } — не сума в доларах США, як-от 0.50
limit-of-signed-hint = скомпілюйте схему ще раз із цими обмеженнями

## Репетиції

rehearsed = { $runs ->
    [one] { $runs } репетиція: пройдено ікон: { $reached } з { $all }.
    [few] { $runs } репетиції: пройдено ікон: { $reached } з { $all }.
   *[many] { $runs } репетицій: пройдено ікон: { $reached } з { $all }.
}
rehearsed-all = Кожну ікону пройдено, кожним шляхом хтось пішов, кожна репетиція дійшла кінця.
rehearsed-never-reached = Сюди не дійшла жодна:
rehearsed-never-taken = Цим шляхом не пішла жодна:
rehearsed-endless = { $count ->
    [one] { $count } репетиція не дійшла кінця. Її зупинено тут:
    [few] { $count } репетиції не дійшли кінця. Їх зупинено тут:
   *[many] { $count } репетицій не дійшли кінця. Їх зупинено тут:
}
rehearsed-icon = ікона
rehearsed-yes = Так
rehearsed-no = Ні
rehearsed-other = усі інші значення
rehearsed-again = ще одна ітерація
rehearsed-no-more = більше ітерацій немає


no-such-code = коду помилки «{ $code }» немає
no-such-code-hint = код — це літера й три цифри, наприклад D044; усі перелічено в schemas/error-codes/README.md
explain-example = Приклад.

## Виклики інших потоків

flow-calls-itself = { $name } викликає «{ $flow }», а той у свою чергу — його
flow-calls-itself-hint = виклик виконує одну точну програму, тож потік не може викликати сам себе: візьміть цикл
callee-failed = у потоці { $name }, який викликають, є помилки

## Агенти

agent-broken = { $path } — не справний опис агента
agent-broken-hint = Подивіться, що з ним не так: bloom agent check з його текою.
agent-by-hand = тіло { $path } змінено вручну
agent-by-hand-hint = Перенесіть його деінде або запишіть поверх із --force.
agent-exported = { $path } записано з { $name }
agent-no-diagram = { $count ->
    [0] у { $path } немає схеми
   *[other] схем у { $path }: { $count }, і жодна не називається main-flow
}
agent-no-diagram-hint = Покладіть один файл .drakon у теку чи в її теку drakon або назвіть його в `generated_from`.
agent-sound = активації ніщо не заважає

## Малюнки

rendered = { $path }: { $width } × { $height }
render-failed = { $name } не вдалося намалювати
render-too-large = малюнок { $width } × { $height } пікселів завеликий для PNG: малюйте його як SVG
render-other-diagram = запуск { $run } виконував не { $name }, а іншу діаграму чи старішу версію цієї
render-differs = історія запуску { $run } не узгоджується з його програмою: див. `bloom replay`

## Інструменти та їхні автори

tool-origin-ships = постачається з bloom
tool-origin-kept = збережено для потоків
tool-origin-added = додано
tool-made = Створено { $folder }, файлів: { $files }. Далі:
tool-bad-name = { $name } не може бути назвою інструмента: потрібен kebab-case, як-от word-count, щонайбільше 64 символи
tool-exists = { $path } уже є, а наявне не перезаписується
tool-no-project = ні в { $folder }, ні в теках над нею немає bloom-tool.toml
    .hint = bloom tool new НАЗВА --lang rust створить проєкт; якщо це модуль, назвіть його файл
tool-bad-project = { $path } не каже, як зібрати інструмент
tool-missing = не встановлено: { $what }
tool-no-program = не вдалося запустити програму { $program }
tool-build-failed = { $command }: збирання не вдалося ({ $status })
tool-no-output = { $command } не створила { $output }
    .hint = укажіть у bloom-tool.toml, у build.output, який файл вона створює
tool-built = { $path }: { $size } Б, { $digest }
tool-not-built = { $path } ще немає
    .hint = bloom tool build
tool-core-module = { $path } — модуль (core module), а не компонент
    .hint = bloom tool build { $path }
tool-not-wasm = { $path } — не WebAssembly: файл починається з { $start }
tool-too-large = { $path } має { $size } Б, більше ніж { $limit }
tool-damaged = { $path } пошкоджено: { $reason }
tool-missing-exports = { $path } не експортує { $names }
    .hint = інструмент експортує функції describe та invoke, свою пам’ять і cabi_realloc; приклад дає bloom tool new НАЗВА --lang c
tool-wasi = { $path } імпортує { $names }, а інструменти не мають WASI
tool-wasi-rust = збирайте для wasm32-unknown-unknown, а не для цілі з wasi в назві, і обійдіться без std::fs, std::env, std::time та std::net
tool-wasi-c = зв’язуйте без бібліотеки C, як у шаблоні, або вкажіть stub_wasi = true в розділі [build] файла bloom-tool.toml
tool-wasi-stub = збирайте з --stub-wasi, як у шаблоні
tool-wasi-assemblyscript = приберіть wasi-shim з asconfig.json і вкажіть "use": ["abort=assembly/bloom/abort"], як у шаблоні
tool-wasi-any = для модуля: bloom tool build --stub-wasi; componentize-py і componentize-qjs мають --stub-wasi; у Rust є ціль wasm32-unknown-unknown
tool-unknown-imports = { $path } імпортує { $names }, чого ніхто не має
    .hint = це функції, яких не знайшов компонувальник: додайте те, де вони визначені, або не викликайте їх
tool-other-contract = { $path } зроблено для { $found }, а тут { $ours }
    .hint = зберіть його з пакетом WIT цієї версії: bloom tool new записує його у wit/deps
tool-wrong-world = { $path } не відповідає контракту з інструментами: { $reason }
    .hint = контракт — це світ bloom:tool/adapter; bloom tool new НАЗВА --lang js записує його WIT у wit/deps
tool-refused = { $path } — не інструмент: { $reason }
tool-unasked =
    .hint = додайте { $kind }:… до capabilities у маніфесті або приберіть імпорт
tool-bad-manifest =
    .hint = виправте те, що повертає describe: manifest.json або типи, з яких його виведено
tool-bad-sample = пробний виклик { $name } надає те, чого надати не можна
    .hint = пробний виклик — це { "{" } "input": { "{" } … { "}" }, "output": … { "}" } або з "failure": "код"; а також "files", "config", "http"
tool-no-pair = { $text } не має вигляду КЛЮЧ=ЗНАЧЕННЯ
tool-bad-header = { $text } — не поле заголовка вигляду НАЗВА: ТЕКСТ
tool-bad-digest = { $digest } — не дайджест вигляду sha256:… і не «installed»
tool-bad-http = { $text } — не вузол, який можна надати, як-от "https://api.example.org GET POST"
tool-bad-input = аргументи виклику — це один об’єкт JSON
tool-figures = { $took }, пальне { $fuel }, пам’ять { $memory }
tool-not-granted =
    .hint = надайте те, чого він просить: --files КОРІНЬ=ТЕКА, --http "https://ВУЗОЛ МЕТОД…", --set КЛЮЧ=ЗНАЧЕННЯ
tool-other-output = повернув { $output }, а не { $expected }
tool-no-failure = повернув { $output }, хоча очікувано помилку { $code }
tool-other-failure = помилка { $code } ({ $message }), а не { $expected }
tool-failed = помилка { $code }: { $message }
tool-label-component = компонент
tool-label-exports = експортує
tool-label-imports = імпортує
tool-label-asks = просить
tool-label-takes = приймає
tool-asks-in-vain = він просить { $asked }, але не імпортує нічого, що б це використало
tool-no-description = він жодним словом не каже, що робить, а моделі обирають інструменти саме за цим
tool-input-no-object = його схема входу не каже "type": "object", а аргументи виклику — завжди об’єкт
tool-no-samples = пробних викликів немає: покладіть їх у samples/*.json, і їх буде зроблено тут
tool-watching = стежу за { $folder }; завершити — Ctrl-C
tool-bench-head = { $tool }, викликів: { $calls }
tool-bench-load = компіляція { $compile } (один раз, під час встановлення); завантаження { $load }
tool-bench-tool = в інструменті
tool-bench-call = увесь виклик
tool-bench-times = { $what }: медіана { $median }, 99 зі 100 у межах { $p99 }, щонайбільше { $most }
tool-bench-used = пальне { $fuel }, пам’ять { $memory }
tool-added = { $tool } встановлено: { $digest }
tool-asks = Він просить { $asked }. Щоб надати це:
tool-others = Інші версії лишаються: { $versions }
tool-still-pinned = Ці потоки закріпили одну з них; щоб вони взяли нову, скомпілюйте їх знову:
tool-unknown = встановленого інструмента { $tool } немає
    .hint = bloom tool list
tool-ships = { $tool } постачається з bloom, його не прибрати
tool-ambiguous = з { $tool } починається не один дайджест
tool-pinned = { $tool } закріплено в { $flows }
    .hint = скомпілюйте їх з іншою версією або додайте --force: тоді виконати їх більше не вдасться
tool-removed = прибрано { $digest }
tool-grant-nothing = не сказано, що надати: --http, --set, --set-env, --set-file, --artifacts, --digest, …
tool-grant-bad-file = { $path } не вдалося змінити
tool-change-added = додано
tool-change-removed = вилучено
tool-change-changed = змінено
tool-change-wider = приймає більше
tool-change-narrower = приймає менше
tool-change-unclear = змінено так, що не можна сказати, чи приймає більше, чи менше
tool-diff-same = Для потоків вони однакові.
tool-diff-compatible = Сумісні: що було правильним, таким і лишається.
tool-diff-breaking = { $count ->
    [one] Несумісні: { $count } зміна, позначена «!», може зламати потоки.
    [few] Несумісні: { $count } зміни, позначені «!», можуть зламати потоки.
   *[other] Несумісні: { $count } змін, позначених «!», можуть зламати потоки.
}
tool-diff-pinned = Потоки, що закріпили стару версію і працюватимуть із нею, доки їх не скомпілюють знову:
tool-grant-same = { $path } уже так і каже
tool-granted = { $path } надає це інструментові { $tool }
